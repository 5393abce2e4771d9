//! Every mistake a person can make ends in one clear sentence, the right exit code, and nothing lost.

use std::fs;

use serde_json::json;

use crate::desktop::{Agent, Authority, Desktop, Outcome, Scene, Status, Wire, built, wire};

/// What must not change when somebody makes a mistake.
async fn state_of(scene: &Scene) -> (String, String, usize, Vec<String>) {
    let status: Status = scene.desktop.status().await;
    let names = status.names().iter().map(ToString::to_string).collect();
    let sent = scene.sandbox.requests().await.len();
    (status.state("default").to_owned(), status.fingerprint("default"), sent, names)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_to_login_is_named_and_the_earlier_login_stays() {
    wrong_input_to_login(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn wrong_input_to_login(scene: &Scene) {
    let before = state_of(scene).await;
    let secret = "s3cret-that-must-not-be-repeated";
    let long = "x".repeat(70_000);
    let inputs = [
        "",
        "  \n\t\n",
        "{}",
        "{\"refresh_token\": 7}",
        "{\"access_token\": \"s3cret-that-must-not-be-repeated\"}",
        "{\"refresh_token\": \"s3cret-that-must-not-be-repeated",
        "\"s3cret-that-must-not-be-repeated\"",
        "<html>s3cret-that-must-not-be-repeated\n</html>",
        "s3cret-that-must-not-be-repeated\u{7}",
        &long,
    ];

    for input in inputs {
        let outcome = scene.desktop.login_with("default", &scene.sandbox, input).await;
        let said = outcome.failed(2);
        assert!(!said.contains(secret), "the input is repeated: {said}");
    }

    assert_eq!(state_of(scene).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_does_not_replace_the_login_that_works() {
    a_refused_token(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn a_refused_token(scene: &Scene) {
    let (state, fingerprint, ..) = state_of(scene).await;

    let outcome = scene.desktop.login_with("default", &scene.sandbox, "unknown-token").await;

    let said = outcome.failed(3);
    assert!(!said.contains("unknown-token"), "{said}");
    let after = state_of(scene).await;
    assert_eq!((after.0, after.1), (state, fingerprint));
    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_endpoint_is_named_and_makes_no_account() {
    wrong_endpoints(&Scene::signed_out(Desktop::without_screen().await, "").await).await;
}

pub(crate) async fn wrong_endpoints(scene: &Scene) {
    for (endpoint, code) in [
        ("not-a-url", 2),
        ("ftp://127.0.0.1/token", 2),
        ("http://vault.example/token", 2),
        ("https://user:password@vault.example/token", 2),
        ("http://127.0.0.1:1/v2.0/reference/gettoken", 4),
        (scene.sandbox.url("/no/such/path").as_str(), 4),
    ] {
        let arguments = format!("login work --endpoint {endpoint}");
        scene.desktop.evertoken_reading("a-refresh-token", &arguments).await.failed(code);
        let status = scene.desktop.status().await;
        assert!(status.state("work") != "valid", "{endpoint}: {status:?}");
    }
    assert!(scene.sandbox.requests().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_http_endpoint_elsewhere_gets_no_secret() {
    a_plain_http_endpoint(&Scene::signed_out(Desktop::without_screen().await, "").await).await;
}

pub(crate) async fn a_plain_http_endpoint(scene: &Scene) {
    let said = scene.desktop.evertoken_reading("a-token", "login --endpoint http://vault.example/token").await;

    let said = said.failed(2).to_lowercase();
    assert!(said.contains("https"), "says what to use instead: {said}");
    assert!(scene.desktop.status().await.names().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_and_options_are_wrong_usage() {
    unknown_accounts_and_options(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn unknown_accounts_and_options(scene: &Scene) {
    let before = state_of(scene).await;
    for command in ["token", "header", "copy", "status", "refresh", "logout", "history", "whoami", "access"] {
        let outcome = scene.desktop.evertoken(&format!("{command} nobody")).await;
        let said = outcome.failed(2);
        assert!(said.contains("There is no account nobody."), "{command} has the same words: {said}");
        let close = scene.desktop.evertoken(&format!("{command} defualt")).await;
        assert!(close.failed(2).contains("Did you mean default?"), "{command}: {close:?}");
    }
    for arguments in ["token --min-valid soon", "nonsense", "logout", "login ../etc", "token --no-such-option"] {
        assert_eq!(scene.desktop.evertoken(arguments).await.code, 2, "{arguments}");
    }
    for secret in
        ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXMzY3JldC1zM2NyZXQtczNjcmV0", "s3cr3t".repeat(8).as_str()]
    {
        for call in ["token", "login --endpoint", "login --header", "logout", "login x --preset sandbox"] {
            let said = scene.desktop.evertoken(&format!("{call} {secret}")).await;
            assert!(said.failed(2).contains("looks like a token"), "{call}: {said:?}");
            assert!(!said.stderr.contains(&secret[..12]), "{call}: {said:?}");
        }
    }
    assert_eq!(state_of(scene).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_before_the_first_login_say_how_to_log_in() {
    commands_before_the_first_login(&Scene::signed_out(Desktop::without_screen().await, "").await).await;
}

pub(crate) async fn commands_before_the_first_login(scene: &Scene) {
    for command in ["token", "header", "copy", "refresh"] {
        let outcome = scene.desktop.evertoken(command).await;
        let said = outcome.failed(3);
        assert!(said.contains("evertoken login"), "{said}");
    }
    scene.desktop.evertoken("status").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_to_last_longer_than_any_is_refused_and_not_hunted_for() {
    a_token_that_is_to_last_longer_than_any(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn a_token_that_is_to_last_longer_than_any(scene: &Scene) {
    let before = scene.sandbox.requests().await.len();

    scene.desktop.evertoken("token --min-valid 2h").await.failed(1);

    assert!(scene.sandbox.requests().await.len() <= before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_was_not_needed_says_so_and_why() {
    a_refresh_that_was_not_needed(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn a_refresh_that_was_not_needed(scene: &Scene) {
    let before = scene.sandbox.requests().await.len();

    let said = scene.desktop.evertoken("refresh").await;
    let json = scene.desktop.evertoken("refresh --json").await;

    let words = said.succeeded();
    assert!(words.starts_with("default: not refreshed, because the access token came "), "{words}");
    assert!(words.contains("It can be refreshed again in "), "{words}");
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!((json["refreshed"].as_bool(), json["state"].as_str()), (Some(false), Some("valid")));
    assert_eq!(scene.sandbox.requests().await.len(), before, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn right_after_a_login_a_token_has_the_life_that_the_server_gave_it() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 20m").await;
    let grant = scene.sandbox.sign_in().await;
    let said = scene.desktop.login_with("default", &scene.sandbox, &grant.refresh_token).await;
    assert!(said.succeeded().contains("valid, 20 min left"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_json_where_json_was_asked_for() {
    errors_as_json(&Scene::logged_in("--expires-in 1h").await).await;
}

pub(crate) async fn errors_as_json(scene: &Scene) {
    let outcome = scene.desktop.evertoken("token nobody --json").await;

    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    let problem: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("nobody")), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_wrong_is_said_and_the_login_is_kept() {
    of_a_server(&Scene::logged_in("--expires-in 1h --grace 0").await).await;
}

/// What the server answers to a log-in, and what the person reads.
pub(crate) async fn of_a_server(scene: &Scene) {
    let Scene { desktop, sandbox, .. } = scene;
    let html = json!({ "Content-Type": "text/html" });
    for (account, fault, code, words) in [
        ("busy", json!({ "status": 503 }), 4, "the endpoint failed (HTTP 503)"),
        ("moved", json!({ "status": 302 }), 4, "unexpected (HTTP 302)"),
        ("proxy", json!({ "status": 407 }), 4, "a proxy before the endpoint wants a user name and a password"),
        ("portal", json!({ "status": 200, "headers": html, "body": "<html></html>" }), 4, "a web page came instead of"),
        ("silent", json!({ "close": "before" }), 4, "the connection broke before the answer"),
        (
            "client",
            json!({ "status": 401, "body": { "error": "invalid_client" } }),
            1,
            "does not accept the client id or the client secret (invalid_client",
        ),
    ] {
        sandbox.fault(fault).await;
        let grant = sandbox.sign_in().await;
        let said = desktop.login_with(account, sandbox, &grant.refresh_token).await;
        assert!(said.failed(code).contains(words), "{words}: {said:?}");
        sandbox.heal().await;
    }
    let untrusted = Wire::start_with_tls(wire::grant("a", "r", 3600), Authority::self_signed("127.0.0.1")).await;
    for (endpoint, words) in [
        (untrusted.endpoint(), "the endpoint's certificate is not trusted"),
        ("https://vault.invalid/token".to_owned(), "cannot be resolved"),
    ] {
        let said = desktop.evertoken_reading("a-token", &format!("login nowhere --endpoint {endpoint}")).await;
        assert!(said.failed(4).contains(words), "{words}: {said:?}");
    }
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_asks_for_in_vain_is_said_and_the_login_is_kept() {
    of_a_person(&Scene::logged_in("--expires-in 1h").await).await;
}

/// What the person asks for, and what they read.
pub(crate) async fn of_a_person(scene: &Scene) {
    let Scene { desktop, sandbox, .. } = scene;
    let before = state_of(scene).await;
    let (endpoint, issuer) = (sandbox.endpoint(), sandbox.url(""));
    let other = sandbox.sign_in_as("usr:somebody-else").await;
    for (arguments, code, words) in [
        (format!("login --header Host:evil.example --endpoint {endpoint}"), 2, "could change what the request asks"),
        (format!("login --browser --endpoint {endpoint}"), 2, "has no authorization_endpoint"),
        (format!("login --device --endpoint {endpoint}"), 2, "has no device_authorization_endpoint"),
        (format!("login --issuer {issuer}/elsewhere --client-id me"), 2, "has no metadata"),
        (
            format!("login --browser --issuer {issuer} --client-id me --redirect-uri https://vault.example/back"),
            2,
            "does not lead to this machine",
        ),
        (format!("login default --endpoint {endpoint}"), 1, "this login belongs to usr:somebody-else"),
        ("agent".to_owned(), 1, "already"),
    ] {
        let said = desktop.evertoken_reading(&other.refresh_token, &arguments).await;
        assert!(said.failed(code).contains(words), "{arguments}: {said:?}");
    }
    let after = state_of(scene).await;
    assert_eq!((&after.0, &after.1, &after.3), (&before.0, &before.1, &before.3));

    let grant = sandbox.sign_in().await;
    let arguments = format!("login leaving --endpoint {endpoint} --revocation-endpoint {issuer}/no/such/path");
    desktop.evertoken_reading(&grant.refresh_token, &arguments).await.succeeded();
    let said = desktop.evertoken("logout leaving").await;
    assert!(said.succeeded().contains("did not confirm the revocation"), "{said:?}");

    desktop.evertoken("account set default --require-approval on").await.succeeded();
    let said = desktop.evertoken("token default").await;
    assert!(said.failed(4).contains("has not been allowed to read access tokens of default"), "{said:?}");
    desktop.evertoken("account set default --require-approval off").await.succeeded();

    let text = fs::read_to_string(desktop.environment.configuration()).unwrap();
    desktop.environment.configure(&text.replace(&endpoint, "https://vault.invalid/token"));
    desktop.until_state("default", "server-changed").await;
    let said = desktop.evertoken("token default").await;
    assert!(said.failed(3).contains("vault.invalid"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_says_so_and_leaves_the_first_alone() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let outcome = scene.desktop.evertoken("agent").await;

    let said = outcome.failed(1).to_lowercase();
    assert!(said.contains("already"), "{said}");
    assert_eq!(scene.desktop.status().await.agent_pid(), scene.agent.pid());
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_with_another_socket_does_not_take_the_first_ones_login() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let socket = scene.desktop.environment.path("run/other.sock").display().to_string();
    scene.desktop.environment.set("EVERTOKEN_SOCKET", &socket);
    // Usually it is refused, as the test of `one_agent` shows.
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "two-agents");
    let second = Agent::start(&scene.desktop).await;
    assert_eq!(scene.desktop.until_state("default", "valid").await.agent_pid(), second.pid());

    // Both would rotate the same token; the lock and the second look into the keychain keep them apart.
    scene.sandbox.requests_reach(6).await;

    let refused = scene.sandbox.requests().await.into_iter().find(|request| request.status != Some(200));
    assert!(refused.is_none(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_by_the_sandbox() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let address = scene.sandbox.url("").replace("http://", "");
    let mut command = scene.desktop.environment.command(built("evertoken-sandbox"));
    command.args(["--listen", &address]);

    let outcome = Outcome::of(command, b"").await;

    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.stderr.contains(&address), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_without_a_screen_is_refused_in_words() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let outcome = scene.desktop.evertoken("open").await;

    let said = outcome.failed(1).to_lowercase();
    assert!(said.contains("display") || said.contains("screen"), "{said}");
}
