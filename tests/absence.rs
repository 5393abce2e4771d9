//! Parts of a desktop that are missing at first and come later: nothing is lost, and nothing has to be restarted.

use crate::desktop::{Agent, Clipboard, Desktop, Display, Keyring, Notifications, Sandbox, Scene, Tray, Watcher};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_on_a_bare_machine_picks_everything_up_as_it_comes() {
    let (desktop, screen) = Desktop::with_promised_screen().await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    let agent = Agent::start(&desktop).await;
    assert_eq!(desktop.status().await.names(), Vec::<&str>::new());

    let grant = sandbox.sign_in().await;
    desktop.login_with("default", &sandbox, &grant.refresh_token).await.failed(5);
    assert!(sandbox.requests().await.is_empty(), "without a keychain nothing is sent, so the token is not spent");

    let _keyring = Keyring::start(&desktop).await;
    desktop.login_with("default", &sandbox, &grant.refresh_token).await.succeeded();
    desktop.evertoken("copy").await.failed(1);

    let _display = Display::start_as(&desktop.environment, &screen).await;
    desktop.evertoken("copy").await.succeeded();
    assert_eq!(Clipboard::of(&desktop).text().await, desktop.token().await);

    let watcher = Watcher::arrive(&desktop.bus).await;
    let tray = Tray::appears(&desktop.bus, &watcher).await;
    tray.label("for the account", |label| label.starts_with("default · valid")).await;
    assert_eq!(desktop.status().await.agent_pid(), agent.pid(), "it is still the same agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_nobody_could_show_is_shown_when_somebody_can() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    scene.sandbox.expire().await;
    scene.desktop.until_state("default", "login-required").await;

    let notifications = Notifications::arrive(&scene.desktop.bus).await;

    notifications.shown("Log in to Vault again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_notification_daemon_does_not_stop_the_agent() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    scene.sandbox.expire().await;
    notifications.shown("Log in to Vault again").await;

    notifications.leave().await;
    scene.desktop.login("default", &scene.sandbox).await;
    let notifications = Notifications::arrive(&scene.desktop.bus).await;
    scene.sandbox.expire().await;

    notifications.shown("Log in to Vault again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_any_bus_keeps_working_and_says_what_is_missing() {
    let mut desktop = Desktop::without_screen().await;
    let nowhere = format!("unix:path={}", desktop.environment.path("nowhere").display());
    desktop.environment.set("DBUS_SESSION_BUS_ADDRESS", &nowhere);
    let sandbox = Sandbox::start(&desktop, "").await;
    let _agent = Agent::start(&desktop).await;

    let grant = sandbox.sign_in().await;
    let outcome = desktop.login_with("default", &sandbox, &grant.refresh_token).await;

    let said = outcome.failed(5).to_lowercase();
    assert!(said.contains("keychain"), "{said}");
    assert!(sandbox.requests().await.is_empty());
}
