//! The tray icon: what it shows, and what its clicks do.

use std::time::Duration;

use tokio::time::Instant;

use crate::desktop::{Clipboard, Desktop, Notifications, Outcome, Scene, Tray, Watcher, built, eventually};

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
    let below = ["Refresh now", "History…", "Open Evertoken", "Quit and stop refreshing tokens"];
    assert_eq!(labels, [&["Copy access token", &line][..], &below].concat());
    let menu = tray.menu().await;
    assert!(!menu[1].is_enabled, "the status line is for reading");
    assert_eq!(menu.iter().filter(|entry| entry.is_enabled).count(), menu.len() - 1);
    let title = tray.tooltip_title().await;
    assert!(title.starts_with("default · valid until "), "some panels show no more than this: {title}");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_written_as_the_persons_locale_has_them() {
    let mut desktop = Desktop::with_screen().await;
    desktop.environment.set("LC_TIME", "en_US.UTF-8");
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    let has_twelve_hours = |text: &str| text.contains(" AM") || text.contains(" PM");

    tray.label("for the account", |label| label.starts_with("default · valid")).await;

    let title = tray.tooltip_title().await;
    assert!(has_twelve_hours(&title), "{title}");
    for command in ["status", "history"] {
        let told = scene.desktop.evertoken(command).await;
        assert!(has_twelve_hours(told.succeeded()), "{told:?}");
        let machine = scene.desktop.evertoken(&format!("{command} --json")).await;
        assert!(machine.succeeded().contains('Z') && !has_twelve_hours(machine.succeeded()), "{machine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_copies_from_the_tray_is_answered_there_and_for_a_moment_beside_it() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    let notifications = Notifications::arrive(&scene.desktop.bus).await;
    let usual = tray.picture().await;

    tray.click("Copy access token").await;

    // First what does not stay: the check mark two seconds, the sentence ten.
    let sentence = "Copied default's access token.";
    tray.label("that answers", |label| label == sentence).await;
    assert_ne!(tray.picture().await, usual, "a check mark");
    assert_eq!(tray.labels().await[0], sentence);
    assert_eq!(tray.tooltip_title().await, sentence);
    let token = scene.desktop.token().await;
    Clipboard::of(&scene.desktop).until("the token is on the clipboard", |text| text == token).await;
    let answer = notifications.says("; the clipboard is cleared in 45 s.").await;
    assert!(answer.body.starts_with("Copied default's access token. It expires "), "{answer:?}");
    assert!(answer.hints.is_transient && answer.hints.timeout > 0 && answer.actions.is_empty(), "{answer:?}");
    assert_eq!(answer.hints.urgency, Some(0));
    eventually("the usual icon is back", async || (tray.picture().await == usual).then_some(())).await;
    tray.label("for the copy, which is first again", |label| label == "Copy access token").await;
    eventually("the sentence goes", async || (tray.labels().await[0] == "Copy access token").then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_made_says_why_and_what_to_do() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    let notifications = Notifications::arrive(&scene.desktop.bus).await;
    scene.desktop.evertoken("logout default").await.succeeded();

    tray.middle_click().await;

    let answer = notifications.shown("Access token not copied").await;
    assert!(answer.body.contains("nobody is logged in. Log in: `evertoken login default`"), "{answer:?}");
    assert_eq!(tray.labels().await[0], "default: nobody is logged in.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_is_told_an_icon_to_colour_as_long_as_the_setting_says_so() {
    let desktop = Desktop::without_screen().await;
    desktop.environment.configure("version = 1\n[settings]\nsymbolic_tray_icon = true\n");
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    let names_one = async || tray.picture().await.starts_with("evertoken-valid-symbolic 2 pictures");
    eventually("an icon is named", async || names_one().await.then_some(())).await;

    let text = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    scene.desktop.environment.configure(&text.replace("symbolic_tray_icon = true\n", ""));

    eventually("there are pictures alone", async || (!names_one().await).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_middle_click_copies_and_its_notification_can_be_switched_off() {
    let desktop = Desktop::with_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    desktop.environment.configure("version = 1\n[settings.notifications]\ncopied = false\n");
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;

    tray.middle_click().await;

    let token = scene.desktop.token().await;
    Clipboard::of(&scene.desktop).until("the token is on the clipboard", |text| text == token).await;
    tray.label("that answers", |label| label == "Copied default's access token.").await;
    assert!(notifications.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_waits_can_be_allowed_in_the_menu() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    let desktop = &scene.desktop;
    desktop.evertoken("account set default --require-approval on").await.succeeded();
    let mut command = desktop.environment.command("/bin/sh");
    command.args(["-c", &format!("{} token; :", built("evertoken").display())]);
    Outcome::of(command, b"").await;
    let waiting = tray.label("that asks", |label| label.ends_with("wants a token of default")).await;
    assert_eq!(tray.labels().await[0], waiting, "what waits for a person is on top");

    tray.click(&format!("{waiting} > Allow")).await;

    desktop.until("nobody waits", |status| status.account("default")["approvals"].as_array().unwrap().is_empty()).await;
    let configuration = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
    assert!(configuration.contains("allowed_programs = ["), "{configuration}");
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
async fn a_refresh_that_comes_too_early_is_answered() {
    let Seen { scene: _scene, tray, .. } = logged_in("--expires-in 1h").await;

    tray.click("Refresh now").await;

    let answer = "default: not refreshed, because the access token came ";
    tray.label("that answers", |label| label.starts_with(answer)).await;
    assert!(tray.tooltip_title().await.starts_with(answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_that_cannot_be_written_down_is_answered() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    scene.desktop.login("Second", &scene.sandbox).await;
    let second = tray.label("for the second account", |label| is_menu_of("Second", label)).await;
    scene.desktop.environment.configure("no TOML");

    tray.click(&format!("{second} > Make default")).await;

    tray.label("that answers", |label| label.starts_with("The configuration cannot be used")).await;
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

    tray.click("Quit and stop refreshing tokens").await;

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
async fn several_accounts_have_a_menu_each_and_the_default_is_copied_first() {
    let Seen { scene, tray, .. } = logged_in("--expires-in 1h").await;
    scene.desktop.login("Second", &scene.sandbox).await;
    tray.label("for the second account", |label| label.starts_with("Second · valid")).await;
    assert_eq!(tray.tooltip_title().await, "2 of 2 accounts valid");
    let tooltip = tray.tooltip().await;
    assert!(tooltip.contains("default ·") && tooltip.contains("Second ·"), "{tooltip}");
    let second = async || tray.label("for the second account", |label| is_menu_of("Second", label)).await;

    tray.click(&format!("{} > Copy access token", second().await)).await;
    let token = scene.desktop.evertoken("token Second").await.succeeded().to_owned();
    Clipboard::of(&scene.desktop).until("its token is on the clipboard", |text| text == token).await;

    tray.click(&format!("{} > Make default", second().await)).await;
    tray.click("Copy token of Second").await;
    assert_eq!(tray.labels().await.iter().filter(|label| label.ends_with(" > Is the default")).count(), 1);
}

/// Not an entry below it.
fn is_menu_of(account: &str, label: &str) -> bool {
    label.starts_with(&format!("{account} · ")) && !label.contains(" > ")
}
