//! The promise of the whole program: log in once, and the access token is valid from then on.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::desktop::{Desktop, Notifications, Sandbox, Scene, Tray, Watcher, Window, eventually};

/// The title of the one notification that asks for a person.
const LOG_IN_AGAIN: &str = "Log in to Vault again";

/// A login that lasts a minute, with tokens of eight seconds.
const SHORT_LIFE: &str = "--expires-in 8s --refresh-expires-in 60s --grace 0";

/// Uses tokens as an impatient script does, until the endpoint has refused the refresh token.
async fn use_tokens_until_refused(desktop: &Desktop, sandbox: &Sandbox) -> HashSet<String> {
    let mut tokens = HashSet::new();
    let mut pace = interval(Duration::from_millis(250));
    loop {
        pace.tick().await;
        let outcome = desktop.evertoken("token").await;
        if outcome.code == 0 {
            let token = outcome.succeeded().to_owned();
            assert_eq!(sandbox.user_info(&token).await, 200, "a token that was handed out does not work");
            tokens.insert(token);
        }
        let was_refused = sandbox.requests().await.iter().any(|request| request.status == Some(401));
        if was_refused {
            return tokens;
        }
        assert_eq!(outcome.code, 0, "no token although nothing was refused: {outcome:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_stays_fresh_for_its_whole_life_and_one_click_renews_it() {
    let desktop = Desktop::with_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let began = Instant::now();
    let scene = Scene::logged_in_on(desktop, SHORT_LIFE).await;
    let Scene { desktop, sandbox, .. } = &scene;
    let tray = Tray::appears(&desktop.bus, &watcher).await;
    tray.label("for a valid login", |label| label.starts_with("default · valid")).await;
    let healthy_picture = tray.picture().await;

    let tokens = use_tokens_until_refused(desktop, sandbox).await;

    assert!(began.elapsed() >= Duration::from_secs(50), "refused after {:?}", began.elapsed());
    assert!(tokens.len() >= 6, "only {} different access tokens in a minute", tokens.len());
    let requests = sandbox.requests().await;
    for pair in requests.windows(2) {
        assert_eq!(pair[0].successor, pair[1].fingerprint, "the newest token is presented, and once: {requests:#?}");
    }
    let granted = requests.iter().filter(|request| request.status == Some(200)).count();
    assert!(granted <= 14, "{granted} rotations in a minute are more than the plan asks for");

    let notification = notifications.shown(LOG_IN_AGAIN).await;
    let labels: Vec<_> = notification.actions.iter().map(|(_, label)| label.as_str()).collect();
    assert!(labels.contains(&"Log in"), "{labels:?}");
    assert!(notification.body.starts_with("default: the login expired at "), "{}", notification.body);
    desktop.until_state("default", "login-required").await;
    assert_eq!(desktop.evertoken("token").await.failed(3).lines().count(), 2);
    tray.label("to log in", |label| label == "Log in again…").await;
    assert_ne!(tray.picture().await, healthy_picture, "the icon's shape tells the state");

    notifications.click(&desktop.bus, &notification, "Log in").await;
    let window = Window::appears(desktop).await;
    window.find(r#"dialog[data-view="login"][data-for="default"]"#).await;
    let fresh = sandbox.sign_in().await;
    window.log_in(&fresh.refresh_token).await;

    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    desktop.until_state("default", "valid").await;
    notifications.gone().await;
    let shown: Vec<_> = notifications.all().iter().map(|one| (one.summary.clone(), one.shown)).collect();
    let once = ["Log in to Vault soon", LOG_IN_AGAIN].map(|title| (title.to_owned(), 1));
    assert_eq!(shown, once, "each once, ahead of the end and at it");
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
    tray.label("for a valid login", |label| label.starts_with("default · valid")).await;
    assert_eq!(tray.picture().await, healthy_picture);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_on_the_command_line_withdraws_the_notification() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    scene.sandbox.expire().await;
    notifications.shown(LOG_IN_AGAIN).await;

    scene.desktop.login("default", &scene.sandbox).await;

    notifications.gone().await;
    assert_eq!(notifications.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_told_once_however_often_the_agent_is_restarted() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    scene.sandbox.expire().await;
    let notification = notifications.shown(LOG_IN_AGAIN).await;
    notifications.dismiss(&scene.desktop.bus, &notification).await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    let is_known = async || std::fs::read_to_string(&journal).unwrap().contains("told").then_some(());
    eventually("the agent knows that the person has seen it", is_known).await;
    let requests = scene.sandbox.requests().await.len();

    for _ in 0..3 {
        scene.crash_and_restart().await;
        scene.desktop.until_state("default", "login-required").await;
    }

    let told: u32 = notifications.all().iter().map(|one| one.shown).sum();
    assert_eq!(told, 1, "one incident, one notification");
    assert_eq!(scene.sandbox.requests().await.len(), requests, "a refused token is not presented again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_refresh_token_takes_nothing_from_the_access_token_that_still_works() {
    let scene = Scene::logged_in("--expires-in 16s").await;
    let mut follower = scene.desktop.follow();
    scene.sandbox.expire().await;

    let status = follower.until("refused", |status| status.state("default") == "login-soon").await;

    assert!(status.expires_in("default") > 0);
    let outcome = scene.desktop.evertoken("token --min-valid 0s").await;
    assert_eq!(scene.sandbox.user_info(outcome.succeeded()).await, 200);
    follower.until("over", |status| status.state("default") == "login-required").await;
}
