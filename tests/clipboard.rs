//! The clipboard: a token is on it for as long as it takes to paste, and in no history.

use std::time::Duration;

use crate::desktop::{Clipboard, Desktop, Scene, throughout};

const CLEARED_AFTER_TWO_SECONDS: &str = "version = 1\n[settings]\nclear_clipboard_after = \"2s\"\n";

async fn copied(configuration: &str) -> Scene {
    let desktop = Desktop::with_screen().await;
    desktop.environment.configure(configuration);
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    scene.desktop.evertoken("copy").await.succeeded();
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_token_can_be_pasted_and_is_kept_out_of_clipboard_histories() {
    let scene = copied("version = 1\n").await;
    let clipboard = Clipboard::of(&scene.desktop);

    assert_eq!(clipboard.text().await, scene.desktop.token().await);

    let targets = clipboard.targets().await;
    assert!(targets.iter().any(|target| target == "x-kde-passwordManagerHint"), "{targets:?}");
    assert_eq!(clipboard.content("x-kde-passwordManagerHint").await, "secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_token_is_gone_after_the_time_that_was_set() {
    let scene = copied(CLEARED_AFTER_TWO_SECONDS).await;
    let clipboard = Clipboard::of(&scene.desktop);
    let token = scene.desktop.token().await;

    clipboard.until("the token is cleared", |text| text.is_empty()).await;

    assert!(!clipboard.text().await.contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_program_copied_meanwhile_is_left_alone() {
    let scene = copied(CLEARED_AFTER_TWO_SECONDS).await;
    let clipboard = Clipboard::of(&scene.desktop);

    let _owner = clipboard.take("my own words").await;

    let what = "the other program's text is still there";
    throughout(Duration::from_secs(4), what, async || clipboard.text().await == "my own words").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_copy_starts_the_time_anew() {
    let scene = copied("version = 1\n[settings]\nclear_clipboard_after = \"8s\"\n").await;
    let clipboard = Clipboard::of(&scene.desktop);
    let token = scene.desktop.token().await;
    let there = async || clipboard.text().await == token;
    throughout(Duration::from_secs(5), "the first copy is there", there).await;

    scene.desktop.evertoken("copy").await.succeeded();

    throughout(Duration::from_secs(5), "the second copy is there when the first would be gone", there).await;
    clipboard.until("it is cleared", |text| text.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_ends_leaves_no_token_on_the_clipboard() {
    let mut scene = copied("version = 1\n").await;
    let token = scene.desktop.token().await;

    assert!(scene.agent.terminate().await.success());

    assert_ne!(Clipboard::of(&scene.desktop).text().await, token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_clears_the_accounts_own_token_and_no_other() {
    let scene = copied("version = 1\n").await;
    let clipboard = Clipboard::of(&scene.desktop);
    let token = scene.desktop.token().await;
    scene.desktop.login("Second", &scene.sandbox).await;

    scene.desktop.evertoken("logout Second").await.succeeded();

    let there = async || clipboard.text().await == token;
    throughout(Duration::from_secs(1), "the other account's token is still there", there).await;
    scene.desktop.evertoken("logout default").await.succeeded();
    clipboard.until("it is cleared", |text| text.is_empty()).await;
}
