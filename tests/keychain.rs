//! The keychain at the wrong moment: never a refresh token spent that has no place to go.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::desktop::{Desktop, Keyring, Notifications, Outcome, Scene, Status, throughout};

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_stops_the_refresh_and_not_the_login() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    scene.keyring.lock().await;

    scene.desktop.until_state("default", "keychain-unavailable").await;
    let sent = scene.sandbox.requests().await.len();
    scene.desktop.evertoken("refresh").await.failed(5);
    assert_eq!(scene.sandbox.requests().await.len(), sent, "nothing is sent that could not be stored");
    scene.keyring.unlock().await;

    let rotations = scene.desktop.until_state("default", "valid").await.rotations("default");
    scene.desktop.until("it goes on", |status| status.rotations("default") > rotations).await;
    assert!(scene.sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_keyring_with_a_screen_does_not_hang_anybody() {
    let desktop = Desktop::with_screen().await;
    // The window that asks for the password, which nobody will answer.
    desktop.environment.offer_service("org.gnome.keyring.SystemPrompter");
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;

    scene.keyring.lock().await;
    let asked = "your desktop asks for the keyring password; look for its window";
    let says = |status: &Status| status.account("default")["refresh"]["last_error"] == asked;
    scene.desktop.until("it says what to look for", says).await;
    assert!(scene.desktop.evertoken("token").await.failed(5).contains(asked));
    let stays = async || scene.desktop.status().await.state("default") == "keychain-unavailable";
    throughout(Duration::from_secs(8), "the lock is there while it is asked again", stays).await;
    scene.keyring.unlock().await;

    scene.desktop.until_state("default", "valid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_keyring_refuses_waits_in_memory_and_a_person_is_told() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let Scene { agent: _agent, sandbox, keyring, desktop } = Scene::logged_in_on(desktop, "--expires-in 8s").await;
    sandbox.fault(json!({ "hold": "answer" })).await;
    sandbox.holds("answer").await;
    keyring.kill();
    sandbox.release("answer").await;

    let notification = notifications.shown("Unlock your keychain").await;
    assert!(notification.body.contains("only in memory"), "{}", notification.body);
    desktop.until_state("default", "keychain-unavailable").await;
    let _keyring = Keyring::start(&desktop).await;

    let status = desktop.until_state("default", "valid").await;
    notifications.gone().await;
    assert_eq!(sandbox.token(&status.fingerprint("default")).await["state"], "live");
    assert!(sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_keyring_is_not_taken_for_being_signed_out() {
    let Scene { mut agent, sandbox, keyring, desktop } = Scene::logged_in("--expires-in 1h").await;
    let token = desktop.token().await;
    agent.kill();
    keyring.kill();
    let keyrings = desktop.environment.path("data/keyrings");
    let aside = desktop.environment.path("data/aside");
    std::fs::rename(&keyrings, &aside).unwrap();

    let keyring = Keyring::start(&desktop).await;
    let mut agent = crate::desktop::Agent::start(&desktop).await;
    desktop.until_state("default", "keychain-unavailable").await;
    assert!(sandbox.requests().await.iter().all(|request| request.status == Some(200)));
    agent.kill();
    keyring.kill();
    std::fs::remove_dir_all(&keyrings).unwrap();
    std::fs::rename(&aside, &keyrings).unwrap();

    let _keyring = Keyring::start(&desktop).await;
    assert_eq!(desktop.token().await, token, "the login is where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_leaves_nothing_in_the_keyring() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    assert!(Keyring::entries(&scene.desktop).await.contains("secret = "));

    scene.desktop.evertoken("logout default").await.succeeded();

    let left = Keyring::entries(&scene.desktop).await;
    assert!(!left.contains("secret = "), "{left}");
    assert_eq!(scene.desktop.status().await.state("default"), "signed-out");
    scene.desktop.evertoken("token").await.failed(3);
}

/// Names an entry to the process that reads it.
const ENTRY: &str = "EVERTOKEN_TEST_ENTRY";

#[tokio::test(flavor = "multi_thread")]
async fn the_keyring_crate_reads_what_was_written_without_it() {
    if let Ok(name) = std::env::var(ENTRY) {
        let read =
            std::thread::spawn(move || keyring::Entry::new("evertoken-dev", &name).unwrap().get_password().unwrap());
        writeln!(std::io::stdout(), "{:x?}", Sha256::digest(read.join().unwrap())).unwrap();
        return;
    }
    let scene = Scene::logged_in("--expires-in 1h").await;
    let logins = Keyring::logins(&scene.desktop).await;
    assert!(!logins.is_empty());
    for (name, text) in logins {
        // A process of its own: the crate finds the bus in its environment.
        let mut this_test = scene.desktop.environment.command(std::env::current_exe().unwrap());
        let test = "keychain::the_keyring_crate_reads_what_was_written_without_it";
        this_test.args(["--exact", test, "--nocapture"]).env(ENTRY, name);
        let said = Outcome::of(this_test, b"").await;
        assert!(said.succeeded().contains(&format!("{:x?}", Sha256::digest(text))), "{said:?}");
    }
}
