//! A server that is not ours: npm's `oauth2-mock-server`, in both encodings, and found by its issuer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::process::Signal;

use crate::desktop::{Desktop, Keyring, Notifications, Process, built, npm, procfs, source};

/// The server's place beside the built programs; `None` where there is no npm. Two tests must not install it at once.
fn installed() -> Option<PathBuf> {
    static PLACE: OnceLock<Option<PathBuf>> = OnceLock::new();
    PLACE.get_or_init(install).clone()
}

fn install() -> Option<PathBuf> {
    let source = source().join("tests/oauth2-mock-server");
    let place = built("evertoken").parent().unwrap().with_file_name("oauth2-mock-server");
    let _lock = npm::lock();
    fs::create_dir_all(&place).unwrap();
    let list = "package-lock.json";
    let is_fetched = fs::read(place.join("fetched.json")).ok() == fs::read(source.join(list)).ok();
    if !is_fetched {
        for file in ["package.json", list, ".npmrc"] {
            fs::copy(source.join(file), place.join(file)).unwrap();
        }
        if !npm::fetch(&place) {
            return None;
        }
        fs::copy(place.join(list), place.join("fetched.json")).unwrap();
    }
    Some(place)
}

/// Starts the server and waits until it listens; Node looks for its packages where it is started.
fn start(desktop: &Desktop, place: &Path) -> (Process, String) {
    let mut command = desktop.environment.command("node");
    command.args(["--input-type=module", "--eval", include_str!("oauth2-mock-server/server.mjs")]).current_dir(place);
    Process::spawn_until_line(&mut command, |line| line.strip_prefix("listening on ").map(str::to_owned))
}

/// `options`: how the account is made, `{base}` being the server's address.
async fn stays_fresh(place: &Path, options: &str) {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let _keyring = Keyring::start(&desktop).await;
    let (server, base) = start(&desktop, place);
    let agent = crate::desktop::Agent::start(&desktop).await;

    let login = format!("login {}", options.replace("{base}", &base));
    desktop.evertoken_reading("unknown", &login).await.failed(3);
    desktop.evertoken_reading("first", &login).await.succeeded();
    let first = desktop.token().await;
    assert_eq!(first.split('.').count(), 3, "a signed token of theirs: {first}");
    let status = desktop
        .until("three rotations", |status| status.rotations("default") >= 3 && status.state("default") == "valid")
        .await;
    assert_eq!(status.account("default")["user_id"], "usr:b06d9aaa-4310-4c0d-9e5343c1b35");
    assert_ne!(desktop.token().await, first);

    procfs::signal(server.pid(), Signal::HUP);
    let notification = notifications.shown("Log in to 127.0.0.1 again").await;
    assert!(notification.body.contains("1 Jan 2025"), "{}", notification.body);
    desktop.until_state("default", "login-required").await;
    assert!(!agent.log().contains(&first), "a token is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_at_a_server_that_is_not_ours_stays_fresh_until_that_server_refuses_it() {
    let Some(place) = installed() else { return };
    tokio::join!(
        stays_fresh(&place, "--encoding json --endpoint {base}/token"),
        stays_fresh(&place, "--encoding form --endpoint {base}/token")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ours_is_found_by_its_issuer_and_revokes_at_a_log_out() {
    let Some(place) = installed() else { return };
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let (_server, base) = start(&desktop, &place);
    let _agent = crate::desktop::Agent::start(&desktop).await;
    let said = desktop.evertoken_reading("first", &format!("login --issuer {base}")).await;
    assert!(said.failed(2).contains("belongs to another issuer"), "it calls itself localhost: {said:?}");

    let issuer = base.replace("127.0.0.1", "localhost");
    desktop.evertoken_reading("first", &format!("login --issuer {issuer}")).await.succeeded();

    desktop.until("two rotations", |status| status.rotations("default") >= 2).await;
    let configuration = fs::read_to_string(desktop.environment.configuration()).unwrap();
    assert!(configuration.contains("authorization_endpoint"), "{configuration}");
    let said = desktop.evertoken("logout default").await;
    assert!(said.succeeded().contains("The server has revoked the login too."), "{said:?}");
}
