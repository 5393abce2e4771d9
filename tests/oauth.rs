//! Standard OAuth 2.0 servers: client authentication and extra parameters; revocation; discovery.

mod issuer;
mod revocation;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::desktop::{
    Agent, Behaviour, Canary, Desktop, Keyring, Notifications, Outcome, PATIENCE, Sandbox, Scene, Wire, Wiretap,
    eventually, memory, procfs,
};

/// Long enough to be recognized in pieces, and with characters that have to be encoded.
const SECRET: &str = "s:%+ client-secret-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const WRONG: &str = "another-secret-9876543210-zyxwvutsrqponmlkjihgfedcba-ZYXWVUTSRQPONMLKJIHGFEDCBA";

/// A file of the person's own with a client secret.
fn secret_file(desktop: &Desktop, name: &str, secret: &str) -> PathBuf {
    let path = desktop.environment.path(name);
    fs::write(&path, format!("{secret}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A sandbox that takes requests of the client `me` only, with the secret in the file `server-secret`.
async fn signed_out_on(desktop: Desktop, options: &str) -> Scene {
    let file = secret_file(&desktop, "server-secret", SECRET);
    secret_file(&desktop, "secret", SECRET);
    secret_file(&desktop, "wrong-secret", WRONG);
    let options = format!("--encoding both --client-id me --client-secret-file {} {options}", file.display());
    Scene::signed_out(desktop, &options).await
}

async fn signed_out(options: &str) -> Scene {
    signed_out_on(Desktop::without_screen().await, options).await
}

/// Logs `default` in with a refresh token of the sandbox and these options; `{secret}` names the file with the secret.
async fn login(scene: &Scene, options: &str) -> Outcome {
    let grant = scene.sandbox.sign_in().await;
    login_with(scene, &grant.refresh_token, options).await
}

async fn login_with(scene: &Scene, refresh_token: &str, options: &str) -> Outcome {
    let file = |name: &str| scene.desktop.environment.path(name).display().to_string();
    let options = options.replace("{secret}", &file("secret")).replace("{wrong}", &file("wrong-secret"));
    scene.desktop.evertoken_reading(refresh_token, &format!("login default {options}")).await
}

/// The options of a whole login at the sandbox.
fn whole(sandbox: &Sandbox) -> String {
    let (endpoint, revocation) = (sandbox.url("/oauth/token"), sandbox.url("/oauth/revoke"));
    format!(
        "--endpoint {endpoint} --encoding form --client-id me --client-secret-file {{secret}} \
         --revocation-endpoint {revocation}"
    )
}

async fn logged_in(options: &str) -> Scene {
    let scene = signed_out(options).await;
    login(&scene, &whole(&scene.sandbox)).await.succeeded();
    scene
}

fn configuration(scene: &Scene) -> String {
    fs::read_to_string(scene.desktop.environment.configuration()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confidential_client_stays_logged_in_by_header_and_by_body_in_both_encodings() {
    let mut scene = signed_out("--expires-in 4s").await;
    let (json, form) = (scene.sandbox.endpoint(), scene.sandbox.url("/oauth/token"));
    for (endpoint, encoding, method, in_header) in [
        (&form, "form", "client_secret_basic", true),
        (&form, "form", "client_secret_post", false),
        (&json, "json", "client_secret_post", false),
        (&json, "json", "client_secret_basic", true),
    ] {
        let options = format!(
            "--endpoint {endpoint} --encoding {encoding} --client-id me --auth-method {method} \
             --client-secret-file {{secret}} --parameter audience=https://api.example/"
        );
        login(&scene, &options).await.succeeded();
        scene.goes_on().await;
        let last = scene.sandbox.requests().await.pop().unwrap();
        assert_eq!(last.headers.contains(&"authorization".to_owned()), in_header, "{method}: {last:?}");
    }
    scene.crash_and_restart().await;
    scene.goes_on().await;
    let text = configuration(&scene);
    assert!(text.contains("audience") && text.contains("client_id"), "{text}");
    scene.nothing_was_refused("the secret is known after a restart").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_at_a_log_in_is_named_and_costs_the_earlier_login_nothing() {
    let mut scene = signed_out("--expires-in 4s").await;
    let fresh = whole(&scene.sandbox).replace("{secret}", "{wrong}");
    let said = login(&scene, &fresh).await;
    assert!(said.failed(1).contains("client secret (invalid_client"), "{said:?}");
    assert!(scene.desktop.status().await.names().is_empty(), "no account was made");
    assert!(!Keyring::entries(&scene.desktop).await.contains(&WRONG[30..]), "the wrong secret is not kept");

    login(&scene, &whole(&scene.sandbox)).await.succeeded();
    let said = login(&scene, "--client-secret-file {wrong}").await;
    assert!(said.failed(1).contains("nothing was changed"), "{said:?}");
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    // A refresh may be replacing an entry while they are listed.
    let kept = async || Some(Keyring::entries(&scene.desktop).await).filter(|entries| entries.contains(&SECRET[30..]));
    let entries = eventually("the secret that works is kept", kept).await;
    assert!(!entries.contains(&WRONG[30..]), "the wrong one is not");
}

/// The agent dies at a place of a log-in with another secret, is started again, and the login goes on.
async fn dies_in_a_log_in_at(place: &str, server_takes: &str) {
    let mut scene = logged_in("--expires-in 12s").await;
    secret_file(&scene.desktop, "server-secret", server_takes);
    scene.agent.kill();
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
    scene.agent = Agent::start(&scene.desktop).await;
    login(&scene, "--client-secret-file {wrong}").await.failed(1);
    assert!(!scene.agent.ended().await.success(), "it should have died at {place}");
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");

    scene.agent = Agent::start(&scene.desktop).await;

    scene.desktop.until_state("default", "valid").await;
    scene.goes_on().await;
    let entries = Keyring::entries(&scene.desktop).await;
    assert!(entries.contains(&server_takes[30..]), "{place}: the secret that works is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_a_log_in_with_a_wrong_secret_costs_the_earlier_login_nothing() {
    let places = ["candidate-stored", "before-presented", "after-presented"];
    futures_util::future::join_all(places.map(|place| dies_in_a_log_in_at(place, SECRET))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_a_log_in_with_a_new_secret_does_not_lose_the_new_login() {
    let places = ["after-presented", "after-answer", "after-store"];
    futures_util::future::join_all(places.map(|place| dies_in_a_log_in_at(place, WRONG))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_server_changed_asks_for_the_secret_and_not_for_a_new_login() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let mut scene = signed_out_on(desktop, "--expires-in 4s").await;
    login(&scene, &whole(&scene.sandbox)).await.succeeded();
    secret_file(&scene.desktop, "server-secret", WRONG);

    let said = scene.refresh_fails("the secret is wrong").await;

    let text = said.failed(1);
    assert!(text.contains("client secret (invalid_client") && text.contains("--client-secret"), "{text}");
    let state = scene.desktop.status().await.state("default").to_owned();
    assert!(["retrying", "expired", "refreshing"].contains(&state.as_str()), "{state}");
    assert!(notifications.all().iter().all(|shown| !shown.summary.starts_with("Log in")), "nobody has to log in");
    let token = scene.desktop.evertoken("token --min-valid 4s").await;
    assert_ne!((token.code, token.code), (3, 0), "{token:?}");

    // The refresh token is as good as ever: the secret comes with a new login, or returns.
    login(&scene, "--client-secret-file {wrong}").await.succeeded();
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_secret_nothing_is_sent_and_a_log_in_brings_it_back() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    secret_file(&scene.desktop, "secret", SECRET);
    // A person's hand says that the client authenticates, and the login knows no secret.
    let table = "[accounts.default]\n";
    let by_hand = "client_id = \"me\"\ntoken_endpoint_auth_method = \"client_secret_post\"\n";
    scene.desktop.environment.configure(&configuration(&scene).replacen(table, &format!("{table}{by_hand}"), 1));

    let said = scene.refresh_fails("there is no secret").await;

    assert!(said.failed(5).contains("does not hold the account's client secret"), "{said:?}");
    let requests = scene.sandbox.requests().await.len();
    let again = login(&scene, "").await;
    assert!(again.failed(2).contains("--client-secret"), "{again:?}");
    assert_eq!(scene.sandbox.requests().await.len(), requests, "nothing is sent without the secret");
    login(&scene, "--client-secret-file {secret}").await.succeeded();
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_a_client_secret_is_anywhere_but_in_the_keychain() {
    let mut desktop = Desktop::without_screen().await;
    desktop.environment.set("EVERTOKEN_LOG", "trace");
    let wiretap = Wiretap::begin(&desktop).await;
    let mut scene = signed_out_on(desktop, "--expires-in 4s").await;
    let mut canary = Canary::new();
    canary.add("the client secret", SECRET);
    canary.add("the wrong secret", WRONG);
    for method in ["client_secret_basic", "client_secret_post"] {
        let options = format!("{} --auth-method {method}", whole(&scene.sandbox));
        login(&scene, &options).await.succeeded();
        login(&scene, "--client-secret-file {wrong}").await.failed(1);
        scene.goes_on().await;
    }
    scene.crash_and_restart().await;
    scene.goes_on().await;
    let Scene { desktop, .. } = &scene;
    for command in ["status --json", "status", "history", "history --json", "account list --json", "doctor --json"] {
        let outcome = desktop.evertoken(command).await;
        canary.assert_absent(command, format!("{}{}", outcome.stdout, outcome.stderr).as_bytes());
    }
    canary.assert_present("the keychain", Keyring::entries(desktop).await.as_bytes());
    canary.assert_absent("the log", scene.agent.log().as_bytes());
    for pid in desktop.environment.processes() {
        canary.assert_absent("the arguments of a process", procfs::command_line(pid).as_bytes());
        canary.assert_absent("the variables of a process", procfs::variables(pid).as_bytes());
    }
    let given = |path: &std::path::Path| path.to_string_lossy().ends_with("secret");
    for (path, bytes) in desktop.environment.files().into_iter().filter(|(path, _)| !given(path)) {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
    canary.assert_absent("the traffic on the bus", &wiretap.record(desktop).await);
    scene.sandbox.expire().await;
    desktop.until("the login is over", |status| status.state("default").starts_with("login-")).await;
    let when = "the agent's memory holds no secret while nothing is sent";
    memory::is_clear(scene.agent.pid(), &canary, PATIENCE, when).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_goes_with_the_account_by_its_new_name_and_to_its_end() {
    let scene = logged_in("--expires-in 4s").await;
    let Scene { desktop, .. } = &scene;
    let id = desktop.environment.account_id("default");
    desktop.evertoken("account rename default work").await.succeeded();
    let rotations = desktop.status().await.rotations("work");
    desktop.until("it goes on", |status| status.rotations("work") >= rotations + 2).await;

    let said = desktop.evertoken("logout work").await;
    assert!(said.succeeded().contains("The server has revoked the login too."), "{said:?}");
    let entries = Keyring::entries(desktop).await;
    assert!(entries.contains(&SECRET[30..]) && !entries.contains("refresh-token"), "{}", names(&entries));
    let grant = scene.sandbox.sign_in().await;
    desktop.evertoken_reading(&grant.refresh_token, "login work").await.succeeded();
    let rotations = desktop.status().await.rotations("work");
    desktop.until("the secret that stayed serves", |status| status.rotations("work") >= rotations + 2).await;

    desktop.evertoken("logout work").await.succeeded();
    desktop.evertoken("account remove work").await.succeeded();
    let entries = Keyring::entries(desktop).await;
    assert!(!entries.contains(&id), "nothing of it is left: {}", names(&entries));
}

/// The entries' names, which are no secrets.
fn names(entries: &str) -> String {
    entries.lines().filter(|line| line.starts_with("attribute.username")).collect::<Vec<_>>().join(", ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_not_carried_to_another_server() {
    let scene = logged_in("--expires-in 1h").await;
    let wire = Wire::start(Behaviour::Hangs).await;
    for option in ["--endpoint", "--revocation-endpoint"] {
        let said = login(&scene, &format!("{option} {}", wire.endpoint())).await;
        assert!(said.failed(2).contains("is another server"), "{said:?}");
    }
    assert_eq!(wire.connections(), 0);

    // A log-in that needs no secret ends the use of the one before it.
    let open = Sandbox::start(&scene.desktop, "").await;
    let grant = open.sign_in().await;
    let options = format!("--endpoint {} --encoding json --auth-method none", open.endpoint());
    login_with(&scene, &grant.refresh_token, &options).await.succeeded();
    assert!(!Keyring::entries(&scene.desktop).await.contains(&SECRET[30..]), "it is kept for nothing");
    let text = configuration(&scene);
    assert!(!text.contains("revocation_endpoint") && !text.contains("token_endpoint_auth_method"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_taken_over_the_socket_and_from_no_file_that_others_may_read() {
    let scene = signed_out("--expires-in 4s").await;
    let file = scene.desktop.environment.path("secret");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = login(&scene, &whole(&scene.sandbox)).await;
    assert!(said.failed(2).contains("may be read by others"), "{said:?}");

    let body = json!({
        "credential": scene.sandbox.sign_in().await.refresh_token, "client_secret": SECRET,
        "settings": {"endpoint": scene.sandbox.url("/oauth/token"), "encoding": "form", "client_id": "me",
            "token_endpoint_auth_method": "client_secret_post", "parameters": {"audience": "x"}},
    });
    let answer = scene.desktop.api("POST /v1/accounts/default/login", &body.to_string()).await.unwrap();
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("valid")), "{}", answer.body);
    scene.goes_on().await;
    let reserved = json!({"credential": "r", "settings": {"parameters": {"client_secret": SECRET}}});
    let answer = scene.desktop.api("POST /v1/accounts/default/login", &reserved.to_string()).await.unwrap();
    assert_eq!(answer.status, 422);
    assert!(!answer.body.to_string().contains("0123456789"), "{}", answer.body);
    eventually("the login is as it was", async || {
        (scene.desktop.status().await.state("default") == "valid").then_some(())
    })
    .await;
}
