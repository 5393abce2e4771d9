//! P9: a secret goes to no server but its own, whoever asks for it, and whatever dies, is full or is edited by hand.

use std::fs;
use std::io::ErrorKind;
use std::net::Ipv6Addr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::desktop::wire::grant;
use crate::desktop::{Agent, Behaviour, Desktop, Keyring, Sandbox, Scene, Wire, effort, eventually};

const LIFE: &str = "--expires-in 4s --grace 0";

/// A server that takes a spent token once more. The agent may be killed while an answer for a second account is on its way.
pub(crate) const FORGIVING: &str = "--expires-in 4s --grace 1";

/// Where the agent may die in a log-in.
const PLACES: [&str; 7] = [
    "candidate-stored",
    "before-presented",
    "after-presented",
    "after-answer",
    "before-store",
    "after-store",
    "after-stored",
];

pub(crate) fn configuration(desktop: &Desktop) -> String {
    fs::read_to_string(desktop.environment.configuration()).unwrap_or_default()
}

/// Logs in at a server, as an account of this name.
pub(crate) async fn login_at(desktop: &Desktop, sandbox: &Sandbox, account: &str) -> crate::desktop::Outcome {
    let grant = sandbox.sign_in().await;
    let options = format!("login {account} --endpoint {}", sandbox.endpoint());
    desktop.evertoken_reading(&grant.refresh_token, &options).await
}

/// A server refuses a token that it did not make: none came there.
pub(crate) async fn got_only_its_own(sandbox: &Sandbox, when: &str) {
    let requests = sandbox.requests().await;
    let foreign = requests.iter().find(|request| matches!(request.status, Some(400..=499)));
    assert!(foreign.is_none(), "{when}: {foreign:?}");
}

pub(crate) async fn goes_on(desktop: &Desktop, account: &str) {
    let rotations = desktop.until_state(account, "valid").await.rotations(account);
    desktop.until("two more rotations", |status| status.rotations(account) >= rotations + 2).await;
}

/// Entries of version 1 under the account's name, and no id in `config.toml`.
async fn as_an_earlier_version_left_it(desktop: &Desktop) {
    let id = desktop.environment.account_id("default");
    Keyring::rewrite(desktop, |user, entry| {
        let user = user.replace(&id, "default");
        let Ok(mut entry) = serde_json::from_str::<Value>(entry) else { return (user, entry.to_owned()) };
        entry["v"] = json!(1);
        entry.as_object_mut().unwrap().remove("origins");
        (user, entry.to_string())
    })
    .await;
    let journal = desktop.environment.account_file("default", "journal");
    fs::rename(&journal, journal.with_file_name("default.journal")).unwrap();
    let text = configuration(desktop);
    let without_id: Vec<&str> = text.lines().filter(|line| !line.starts_with("id = ")).collect();
    desktop.environment.configure(&without_id.join("\n"));
    assert!(!configuration(desktop).contains(&id));
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_localhost_is_asked_of_no_resolver_and_its_server_is_the_one_that_listens_there() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let _agent = Agent::start(&desktop).await;
    let server = Wire::start(grant("a", "r", 3600)).await;
    let endpoint = server.endpoint().replace("127.0.0.1", "localhost");
    let port: u16 = server.endpoint().split([':', '/']).nth(4).unwrap().parse().unwrap();
    let stranger = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, port)).unwrap();
    stranger.set_nonblocking(true).unwrap();

    desktop.evertoken_reading("r0", &format!("login default --endpoint {endpoint}")).await.succeeded();

    assert_eq!(server.presented(), ["r0"]);
    assert!(stranger.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "somebody came");
}

/// Everything in an account's settings that decides where or how a secret travels.
fn changes(elsewhere: &str, at_home: &str) -> Vec<Value> {
    let mut changes = vec![
        json!({ "endpoint": elsewhere }),
        json!({ "preset": "production" }),
        json!({ "issuer": elsewhere }),
        json!({ "endpoint": at_home, "revocation_endpoint": elsewhere }),
        json!({ "endpoint": at_home, "encoding": "form" }),
        json!({ "endpoint": at_home, "client_id": "you", "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "endpoint": at_home, "parameters": { "audience": "https://evil.example" } }),
    ];
    for header in ["Host", "X-Forwarded-Host", "Accept-Encoding", "Range", "Proxy-Authorization", "X-Harmless"] {
        changes.push(json!({ "endpoint": at_home, "headers": { header: "evil.example" } }));
    }
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_no_program_with_the_socket_decides_where_a_login_is_sent() {
    let scene = Scene::logged_in(LIFE).await;
    let wire = Wire::start(Behaviour::Hangs).await;
    let before = configuration(&scene.desktop);
    for settings in changes(&wire.endpoint(), &scene.sandbox.endpoint()) {
        let body = json!({ "settings": settings }).to_string();
        let answer = scene.desktop.api("PATCH /v1/accounts/default", &body).await.unwrap();
        assert!(matches!(answer.status, 400..=499), "{settings}: {}", answer.body);
    }
    assert_eq!(configuration(&scene.desktop), before);
    goes_on(&scene.desktop, "default").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    assert_eq!(wire.connections(), 0);
    got_only_its_own(&scene.sandbox, "changed through the socket").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_client_secret_that_a_log_out_left_is_sent_nowhere_else() {
    let scene = Scene::signed_out(Desktop::without_screen().await, LIFE).await;
    let wire = Wire::start(Behaviour::Hangs).await;
    let endpoint = scene.sandbox.endpoint();
    let login = json!({
        "credential": scene.sandbox.sign_in().await.refresh_token, "client_secret": "a-secret-of-this-server",
        "settings": { "endpoint": endpoint, "client_id": "me", "token_endpoint_auth_method": "client_secret_post" },
    });
    let answer = scene.desktop.api("POST /v1/accounts/default/login", &login.to_string()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    scene.desktop.evertoken("logout default").await.succeeded();

    for settings in changes(&wire.endpoint(), &endpoint) {
        let body = json!({ "settings": settings }).to_string();
        let answer = scene.desktop.api("PATCH /v1/accounts/default", &body).await.unwrap();
        assert!(matches!(answer.status, 400..=499), "{settings}: {}", answer.body);
    }
    for method in ["client_secret_post", "client_secret_basic"] {
        let settings = json!({ "endpoint": wire.endpoint(), "client_id": "me", "token_endpoint_auth_method": method });
        let body = json!({ "credential": "r", "settings": settings }).to_string();
        let answer = scene.desktop.api("POST /v1/accounts/default/login", &body).await.unwrap();
        assert!(matches!(answer.status, 400..=499), "{method}: {}", answer.body);
    }
    assert_eq!(wire.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_what_the_accounts_own_command_prints_is_presented_nowhere_else() {
    let scene = Scene::logged_in(LIFE).await;
    let wire = Wire::start(Behaviour::Hangs).await;
    let ran = scene.desktop.environment.path("ran");
    let script = format!("touch {}; echo a-token-of-this-server", ran.display());
    crate::sign_in::command::configure(&scene, &script).await;
    let body = json!({ "settings": { "endpoint": wire.endpoint() } }).to_string();
    for method in ["command", "browser", "device"] {
        let call = format!("POST /v1/accounts/default/login/{method}");
        let answer = scene.desktop.api(&call, &body).await.unwrap();
        assert!(matches!(answer.status, 400..=499), "{method}: {}", answer.body);
    }
    assert!(!ran.exists(), "the command is not run");
    assert_eq!(wire.connections(), 0);
    goes_on(&scene.desktop, "default").await;
}

/// The agent dies at a place of a log-in at another server, and starts again.
async fn dies_in_a_log_in_elsewhere_at(place: &str) {
    let mut scene = Scene::logged_in("--expires-in 20s").await;
    let other = Sandbox::start(&scene.desktop, "--expires-in 20s").await;
    scene.agent.kill();
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
    scene.agent = Agent::start(&scene.desktop).await;
    scene.desktop.until_state("default", "valid").await;
    assert_ne!(login_at(&scene.desktop, &other, "default").await.code, 0, "{place}");
    assert!(!scene.agent.ended().await.success(), "it should have died at {place}");
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");

    for _ in 0..2 {
        scene.agent = Agent::start(&scene.desktop).await;
        let status = scene.desktop.until_state("default", "valid").await;
        scene.desktop.evertoken("refresh").await.succeeded();
        let endpoint = status.account("default")["endpoint"].as_str().unwrap().to_owned();
        let server = if endpoint == scene.sandbox.endpoint() { &scene.sandbox } else { &other };
        assert_eq!(server.user_info(&scene.desktop.token().await).await, 200, "{place}: {endpoint}");
        scene.agent.kill();
    }
    got_only_its_own(&scene.sandbox, place).await;
    got_only_its_own(&other, place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_death_in_a_log_in_at_another_server_sends_neither_login_to_the_other() {
    for places in PLACES.chunks(effort(4, 2)) {
        join_all(places.iter().map(|place| dies_in_a_log_in_elsewhere_at(place))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_an_account_of_the_same_name_at_another_server_gets_nothing_of_the_login_before() {
    let mut scene = Scene::logged_in(LIFE).await;
    let other = Sandbox::start(&scene.desktop, LIFE).await;
    for emptied in ["", "version = 1\n"] {
        // From then on the log-in is over, and a start completes nothing.
        eventually("the log-in is written down", async || {
            scene.desktop.journal("default").iter().any(|line| line["event"] == "logged-in").then_some(())
        })
        .await;
        let before = configuration(&scene.desktop);
        scene.agent.kill();
        scene.desktop.environment.configure(emptied);
        scene.agent = Agent::start(&scene.desktop).await;
        assert!(scene.desktop.status().await.names().is_empty());
        login_at(&scene.desktop, &other, "default").await.succeeded();
        assert_eq!(other.user_info(&scene.desktop.token().await).await, 200);
        goes_on(&scene.desktop, "default").await;
        scene.crash_and_restart().await;
        goes_on(&scene.desktop, "default").await;

        // The file comes back from a backup, and the login with it.
        scene.agent.kill();
        scene.desktop.environment.configure(&before);
        scene.agent = Agent::start(&scene.desktop).await;
        goes_on(&scene.desktop, "default").await;
        assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
    }
    got_only_its_own(&scene.sandbox, "an emptied configuration").await;
    got_only_its_own(&other, "an emptied configuration").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_server_that_was_changed_by_hand_gets_nothing_and_the_login_is_kept() {
    let mut scene = Scene::logged_in(LIFE).await;
    let other = Sandbox::start(&scene.desktop, LIFE).await;
    let home = configuration(&scene.desktop);
    scene.desktop.environment.configure(&home.replace(&scene.sandbox.endpoint(), &other.endpoint()));
    scene.desktop.until_state("default", "server-changed").await;
    for arguments in ["token", "refresh"] {
        let said = scene.desktop.evertoken(arguments).await;
        let text = said.failed(3);
        assert!(text.contains("this login belongs to") && text.contains("the login is kept"), "{text}");
    }
    scene.crash_and_restart().await;
    scene.desktop.until_state("default", "server-changed").await;
    assert_eq!(other.requests().await.len(), 0);

    scene.desktop.environment.configure(&home);
    goes_on(&scene.desktop, "default").await;

    // Or the person meant it, and logs in there.
    scene.desktop.environment.configure(&home.replace(&scene.sandbox.endpoint(), &other.endpoint()));
    scene.desktop.until_state("default", "server-changed").await;
    login_at(&scene.desktop, &other, "default").await.succeeded();
    goes_on(&scene.desktop, "default").await;
    got_only_its_own(&scene.sandbox, "changed by hand").await;
    got_only_its_own(&other, "changed by hand").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_two_configurations_with_one_keychain_share_no_login() {
    let mut scene = Scene::logged_in(LIFE).await;
    let other = Sandbox::start(&scene.desktop, LIFE).await;
    scene.agent.kill();
    let folders = ["XDG_CONFIG_HOME", "XDG_STATE_HOME"];
    let own = folders.map(|name| scene.desktop.environment.get(name).unwrap().to_owned());
    for (name, folder) in folders.iter().zip(&own) {
        scene.desktop.environment.set(name, &format!("{folder}-of-another"));
    }
    scene.agent = Agent::start(&scene.desktop).await;
    login_at(&scene.desktop, &other, "default").await.succeeded();
    goes_on(&scene.desktop, "default").await;
    scene.agent.kill();

    for (name, folder) in folders.iter().zip(&own) {
        scene.desktop.environment.set(name, folder);
    }
    scene.agent = Agent::start(&scene.desktop).await;
    goes_on(&scene.desktop, "default").await;
    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
    got_only_its_own(&scene.sandbox, "one keychain").await;
    got_only_its_own(&other, "one keychain").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_a_refresh_behind_a_log_in_at_another_server_goes_there() {
    let scene = Scene::logged_in(LIFE).await;
    let other = Sandbox::start(&scene.desktop, "--expires-in 3s --grace 0").await;
    other.fault(json!({ "hold": "log-in" })).await;
    let (said, ()) = tokio::join!(login_at(&scene.desktop, &other, "default"), async {
        other.holds("log-in").await;
        // It waits for the log-in to end, whose own access token is over by then: something has to be sent.
        scene.desktop.until("a refresh is overdue", |status| status.has_expired("default")).await;
        other.release("log-in").await;
    });
    said.succeeded();
    goes_on(&scene.desktop, "default").await;
    assert_eq!(other.user_info(&scene.desktop.token().await).await, 200);
    got_only_its_own(&scene.sandbox, "queued").await;
    got_only_its_own(&other, "queued").await;
}

/// What version 1 kept: entries and a journal by the account's name, no ids and no servers.
#[tokio::test(flavor = "multi_thread")]
async fn p9_the_entries_of_an_earlier_version_become_those_of_the_accounts_server() {
    let mut scene = Scene::logged_in(LIFE).await;
    goes_on(&scene.desktop, "default").await;
    scene.agent.kill();
    as_an_earlier_version_left_it(&scene.desktop).await;

    scene.agent = Agent::start(&scene.desktop).await;

    goes_on(&scene.desktop, "default").await;
    scene.crash_and_restart().await;
    goes_on(&scene.desktop, "default").await;
    let now = scene.desktop.environment.account_id("default");
    Keyring::rewrite(&scene.desktop, |user, entry| {
        assert!(user.starts_with(&now), "nothing of the earlier version is left: {user}");
        (user.to_owned(), entry.to_owned())
    })
    .await;
    scene.nothing_was_refused("upgraded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_beside_a_held_lock_the_entries_of_an_earlier_version_are_read_and_not_written() {
    let mut scene = Scene::logged_in("--expires-in 12s --grace 0").await;
    scene.agent.kill();
    // An account without an id is given the same one by each start.
    as_an_earlier_version_left_it(&scene.desktop).await;
    scene.agent = Agent::start(&scene.desktop).await;
    scene.desktop.until_state("default", "valid").await;
    let lock = scene.desktop.environment.account_file("default", "lock");
    scene.agent.kill();
    as_an_earlier_version_left_it(&scene.desktop).await;
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();

    scene.agent = Agent::start(&scene.desktop).await;

    let read_within = Duration::from_secs(15);
    timeout(read_within, scene.desktop.until_state("default", "valid"))
        .await
        .expect("who reads does not wait for long");
    scene.desktop.evertoken("token").await.succeeded();
    Keyring::rewrite(&scene.desktop, |user, entry| {
        assert!(user.starts_with("default/"), "written without the lock: {user}");
        (user.to_owned(), entry.to_owned())
    })
    .await;
    assert!(!configuration(&scene.desktop).contains("id = "), "nothing was taken over yet");

    drop(held);
    goes_on(&scene.desktop, "default").await;
    scene.crash_and_restart().await;
    goes_on(&scene.desktop, "default").await;
    assert!(configuration(&scene.desktop).contains("id = "));
    scene.nothing_was_refused("upgraded beside a held lock").await;
}
