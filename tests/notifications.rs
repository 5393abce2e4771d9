//! Notifications: every daemon shows them as it can, and what stands there is true.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::desktop::{Agent, Desktop, Nature, Notifications, Outcome, Scene, built, eventually};

const LOG_IN_AGAIN: &str = "Log in to Vault again";

async fn refused(nature: Nature, options: &str) -> (Scene, Notifications) {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive_as(&desktop.bus, nature).await;
    let scene = Scene::logged_in_on(desktop, options).await;
    scene.sandbox.expire().await;
    scene.desktop.evertoken("refresh").await;
    (scene, notifications)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clicked_notification_leaves_the_screen_whatever_the_daemon_does() {
    let nature = Nature { keeps_chosen: true, ..Nature::default() };
    let (scene, notifications) = refused(nature, "--expires-in 4s").await;
    let notification = notifications.shown(LOG_IN_AGAIN).await;

    notifications.click(&scene.desktop.bus, &notification, "Log in").await;

    notifications.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_button_and_a_picture_that_no_theme_has_to_have() {
    let (_scene, notifications) = refused(Nature::default(), "--expires-in 4s").await;

    let notification = notifications.shown(LOG_IN_AGAIN).await;

    let labels: Vec<_> = notification.actions.iter().map(|(name, label)| (name.as_str(), label.as_str())).collect();
    assert_eq!(labels, [("default", ""), ("button", "Log in")]);
    assert_eq!((notification.hints.icon.as_str(), notification.hints.image), ("", Some((128, 128))));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_buttons_are_drawn_the_text_names_the_command() {
    let nature = Nature { capabilities: &["body"], ..Nature::default() };
    let (_scene, notifications) = refused(nature, "--expires-in 4s").await;

    let notification = notifications.shown(LOG_IN_AGAIN).await;

    assert!(notification.body.ends_with("Run `evertoken login default`."), "{notification:?}");
    assert!(notification.actions.is_empty(), "{notification:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_of_the_access_token_is_still_true_after_that_has_expired() {
    let (_scene, notifications) = refused(Nature::default(), "--expires-in 16s").await;
    let first = notifications.says("The access token still works until ").await;

    let then = notifications.says("The access token expired at ").await;

    assert_eq!((then.id, then.shown, then.replaced), (first.id, 1, 1), "quietly, in its place");
    assert!(then.hints.is_silent && !first.hints.is_silent, "{then:?}");
}

/// A shell of this name asks for a token.
async fn asks(scene: &Scene, name: &[u8]) -> Outcome {
    let path: PathBuf = scene.desktop.environment.path("home").join(OsStr::from_bytes(name));
    std::fs::copy("/bin/sh", &path).unwrap();
    let mut command = scene.desktop.environment.command(&path);
    command.args(["-c", &format!("{} token; :", built("evertoken").display())]);
    Outcome::of(command, b"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_programs_name_commands_nothing_and_no_two_names_look_the_same() {
    let desktop = Desktop::without_screen().await;
    let nature = Nature { capabilities: &["actions", "body", "body-markup"], ..Nature::default() };
    let notifications = Notifications::arrive_as(&desktop.bus, nature).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 23h").await;
    scene.desktop.evertoken("account set default --require-approval on").await.succeeded();

    asks(&scene, b"<b>x\n\xe2\x80\xaey").await;
    let question = notifications.says("asks for access tokens").await;
    assert!(question.body.contains(r"/&lt;b&gt;x\u{a}\u{202e}y asks"), "{}", question.body);

    for name in [&b"one\xff"[..], b"one\xfe", b"one\\xfe"] {
        asks(&scene, name).await;
    }
    let status = scene.desktop.status().await;
    let waiting: Vec<_> =
        status.account("default")["approvals"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let ends: Vec<_> = waiting[1..].iter().map(|name| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(ends, [r"one\xff", r"one\xfe", r"one\\xfe"]);

    // What is shown is what allows it.
    scene.desktop.evertoken("approve").await.failed(2);
    let mut approve = scene.desktop.command("approve");
    approve.arg(waiting[0]);
    Outcome::of(approve, b"").await.succeeded();
    let status = scene.desktop.status().await;
    assert_eq!(status.account("default")["approvals"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_not_seen_it_is_told_again_after_a_restart() {
    let (mut scene, notifications) = refused(Nature::default(), "--expires-in 4s").await;
    notifications.shown(LOG_IN_AGAIN).await;

    assert!(scene.agent.terminate().await.success());
    notifications.gone().await;
    scene.agent = Agent::start(&scene.desktop).await;

    notifications.shown(LOG_IN_AGAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_on_the_screen_is_not_shown_twice_after_a_crash() {
    let (mut scene, notifications) = refused(Nature::default(), "--expires-in 4s").await;
    notifications.shown(LOG_IN_AGAIN).await;
    let kept = scene.desktop.environment.path("run/evertoken/agent.sock.notifications");
    let is_kept = async || std::fs::read_to_string(&kept).is_ok_and(|text| text.contains("default")).then_some(());
    eventually("it is known what is on the screen", is_kept).await;

    scene.crash_and_restart().await;

    let again = notifications.replaced(LOG_IN_AGAIN).await;
    assert!(again.hints.is_silent, "{again:?}");
    assert_eq!(notifications.all().len(), 1);
    notifications.click(&scene.desktop.bus, &again, "Log in").await;
    notifications.gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waved_it_away_is_told_again_after_the_machine_was_started_anew() {
    let (mut scene, notifications) = refused(Nature::default(), "--expires-in 4s").await;
    let notification = notifications.shown(LOG_IN_AGAIN).await;
    notifications.dismiss(&scene.desktop.bus, &notification).await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    let is_known = async || std::fs::read_to_string(&journal).unwrap().contains("told").then_some(());
    eventually("the agent knows that the person has seen it", is_known).await;
    assert!(scene.agent.terminate().await.success());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let before = std::fs::read_to_string(&journal).unwrap().replace(boot.trim(), "an earlier one");
    std::fs::write(&journal, before).unwrap();

    scene.agent = Agent::start(&scene.desktop).await;

    notifications.shown(LOG_IN_AGAIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_time_is_the_one_on_the_wall() {
    let mut desktop = Desktop::without_screen().await;
    // 5 h 45 m from UTC, so that no hour and no minute is right by accident.
    desktop.environment.set("TZ", "Asia/Kathmandu");
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    scene.sandbox.expire().await;
    let told = notifications.shown(LOG_IN_AGAIN).await;
    scene.desktop.until_state("default", "login-required").await;

    let refusal = scene.desktop.evertoken("token").await;

    let expired = told.body.split_once(": ").unwrap().1.split_once('.').unwrap().0;
    let refusal = refusal.failed(3);
    assert!(refusal.contains(expired) && !refusal.contains("UTC"), "{refusal} has not: {expired}");
}
