//! The tray icon: what it shows, and what its clicks do.

use std::time::Duration;

use tokio::time::Instant;

use crate::desktop::{Clipboard, Desktop, Scene, Tray, Watcher};

struct Seen {
    scene: Scene,
    tray: Tray,
    watcher: Watcher,
}

async fn logged_in(options: &str) -> Seen {
    let desktop = Desktop::with_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, options).await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    Seen { scene, tray, watcher }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_says_how_the_login_is_and_offers_what_can_be_done() {
    let Seen { scene: _scene, tray, .. } = logged_in("--expires-in 23h").await;

    let line = tray.label("for the account", |label| label.starts_with("default · valid, 23 h 0 min left")).await;

    let labels = tray.labels().await;
    assert_eq!(labels, [&line, "Copy access token", "Refresh now", "Open Evertoken", "Quit"]);
    let menu = tray.menu().await;
    assert!(!menu[0].is_enabled, "the status line is for reading");
    assert!(menu[1..].iter().all(|entry| entry.is_enabled));
    let tooltip = tray.tooltip().await;
    assert!(tooltip.contains("default · valid until "), "{tooltip}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_in_the_menu_puts_the_token_on_the_clipboard() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;

    tray.click("Copy access token").await;

    let token = scene.desktop.token().await;
    Clipboard::of(&scene.desktop).until("the token is on the clipboard", |text| text == token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_in_the_menu_refreshes() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 8s").await;
    let before = scene.desktop.status().await;
    // The least distance of two grants has to pass: an eighth of a minute at most.
    scene.desktop.until("a rotation", |status| status.rotations("default") > before.rotations("default")).await;

    let mut follower = scene.desktop.follow();
    tray.click("Refresh now").await;

    let rotations = before.rotations("default") + 1;
    follower.until("one more", |status| status.rotations("default") > rotations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_click_opens_the_window() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    let clicked = Instant::now();

    tray.left_click().await;

    scene.desktop.window_is_open().await;
    assert!(clicked.elapsed() < Duration::from_secs(10), "{:?}", clicked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn open_in_the_menu_opens_the_window() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;

    tray.click("Open Evertoken").await;

    scene.desktop.window_is_open().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quit_ends_the_agent_and_keeps_the_login() {
    let Seen { mut scene, tray, .. } = logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;

    tray.click("Quit").await;

    assert!(scene.agent.ended().await.success());
    assert_eq!(scene.desktop.token().await, token, "the next command finds the login again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_icon_comes_back_when_the_panel_is_restarted() {
    let Seen { scene, watcher, .. } = logged_in("--expires-in 1h").await;

    watcher.leave().await;
    assert_eq!(scene.desktop.status().await.state("default"), "valid", "the agent works on without a panel");
    let watcher = Watcher::arrive(&scene.desktop.bus).await;

    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    tray.label("for the account", |label| label.starts_with("default · valid")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_tray_was_asked_for_and_has_none() {
    let desktop = Desktop::without_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let mut agent = crate::desktop::Agent::launch(&desktop, &["--no-tray"]);
    agent.is_ready(&desktop).await;

    assert_eq!(desktop.status().await.names(), Vec::<&str>::new());

    assert!(watcher.items().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_have_a_line_and_a_submenu_each() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    scene.desktop.login("Second", &scene.sandbox).await;
    tray.label("for the second account", |label| label.starts_with("Second · valid")).await;

    tray.click("Copy access token > Second").await;

    let token = scene.desktop.evertoken("token Second").await.succeeded().to_owned();
    Clipboard::of(&scene.desktop).until("its token is on the clipboard", |text| text == token).await;
    let tooltip = tray.tooltip().await;
    assert!(tooltip.contains("default ·") && tooltip.contains("Second ·"), "{tooltip}");
}
