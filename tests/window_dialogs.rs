//! At most one dialog is open: the one that a person asked for last, with what is said in it.

use std::time::Duration;

use rustix::process::Signal;

use crate::desktop::{Clipboard, Desktop, Scene, Window, procfs, throughout};

const SAID: &str = "document.querySelector('[data-field=said]')";

async fn open(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    let window = Window::appears(&scene.desktop).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    window
}

#[tokio::test(flavor = "multi_thread")]
async fn about_says_what_runs_and_copies_it_without_a_secret_or_a_name() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    let status = scene.desktop.status().await;

    window.click(r#"[data-action="settings"]"#).await;
    window.click(r#"[data-view="settings"] [data-action="about"]"#).await;

    let agent = window.text(r#"[data-view="about"] [data-field="agent"]"#).await;
    assert_eq!(agent, format!("{} (process {})", env!("CARGO_PKG_VERSION"), status.agent_pid()));
    assert_eq!(window.text(r#"[data-view="about"] [data-field="version"]"#).await, env!("CARGO_PKG_VERSION"));
    window.click(r#"[data-action="copy-diagnostics"]"#).await;
    window.text_until(r#"[data-field="said"]"#, |text| text == "Copied the diagnostics.").await;
    let copied = Clipboard::of(&scene.desktop).until("the diagnostics", |text| text.contains("(agent, since ")).await;
    assert!(copied.contains("- valid at 127.0.0.1: 0 failures"), "{copied}");
    let user = status.account("default")["user_id"].as_str().unwrap();
    for secret in [scene.desktop.token().await.as_str(), user, "default"] {
        assert!(!copied.contains(secret), "{secret} is in: {copied}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_over_the_open_dialog_and_outlives_it() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    window.click(r#"[data-action="settings"]"#).await;
    window.click(r#"[data-view="settings"] [data-action="about"]"#).await;

    window.click(r#"[data-action="copy-diagnostics"]"#).await;

    window.until(&format!("{SAID}.textContent !== '' && getComputedStyle({SAID}).opacity === '1'")).await;
    // A modal dialog lies over everything that is not in it.
    let is_over = format!("{SAID}.closest('dialog:modal')?.dataset.view");
    assert_eq!(window.run(&is_over).await, "about");
    window.press("\u{e00c}").await;
    window.until("document.querySelector('dialog') === null").await;
    window.click(r#"[data-action="copy"]"#).await;
    window.text_until(r#"[data-field="said"]"#, |text| text.starts_with("Copied default's access token")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_closes_no_dialog_that_was_opened_meanwhile() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    for slow in ["history", "settings", "edit"] {
        procfs::signal(scene.agent.pid(), Signal::STOP);
        window.click(&format!(r#"[data-action="{slow}"]"#)).await;
        window.click(r#"[data-action="add-account"]"#).await;
        let field = r#"[data-view="add-account"] textarea[name="credential"]"#;
        window.type_into(field, slow).await;

        procfs::signal(scene.agent.pid(), Signal::CONT);

        // The agent answers again, and so it has answered what was asked before.
        window.run("window.__TAURI__.core.invoke('settings')").await;
        let typed = format!("document.querySelector('{field}')?.value").replace('"', "");
        let stays = async || window.run(&typed).await == slow;
        throughout(Duration::from_secs(1), "what was typed is still there", stays).await;
        window.press("\u{e00c}").await;
        window.until("document.querySelector('dialog') === null").await;
    }
}
