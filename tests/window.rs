//! The window as a person uses it, in the real WebKit.

use crate::desktop::{Agent, Clipboard, Desktop, Keyring, Scene, Window, eventually, procfs};

const CARD: &str = r#"[data-account="default"]"#;
const VALID: &str = r#"[data-account="default"][data-state="valid"]"#;

fn on_card(part: &str) -> String {
    format!("{CARD} {part}")
}

async fn open(desktop: &Desktop) -> Window {
    desktop.evertoken("open").await.succeeded();
    Window::appears(desktop).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_logs_in_by_pasting_a_token() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 1h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    let grant = sandbox.sign_in().await;
    let window = open(desktop).await;
    window.find(r#"[data-view="first-run"]"#).await;
    window.picture("window-first-run.png").await;

    window.choose_endpoint(&sandbox.endpoint()).await;
    window.log_in(&grant.refresh_token).await;

    window.find(VALID).await;
    assert!(!window.has(r#"[data-view="first-run"]"#).await);
    let state = window.text(&on_card(r#"[data-field="state"]"#)).await;
    assert!(state.to_lowercase().contains("valid"), "{state}");
    let left = window.text(&on_card(r#"[data-field="expires-in"]"#)).await;
    assert!(left.contains("1 h 0 min"), "time to expiry: {left}");
    for field in ["next-refresh", "scope-count"] {
        let text = window.text(&on_card(&format!(r#"[data-field="{field}"]"#))).await;
        assert!(!text.trim().is_empty(), "{field} is shown");
    }
    window.picture("window-valid.png").await;
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
    assert_no_token(&window, &[&grant.refresh_token, &desktop.token().await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_the_window_is_on_the_clipboard_and_not_in_the_page() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let window = open(&scene.desktop).await;
    window.find(VALID).await;

    window.click(&on_card(r#"[data-action="copy"]"#)).await;

    let token = scene.desktop.token().await;
    Clipboard::of(&scene.desktop).until("the token is on the clipboard", |text| text == token).await;
    assert_no_token(&window, &[&token]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_expiry_counts_down_and_a_refresh_is_seen() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 62s").await;
    let window = open(&scene.desktop).await;
    let field = on_card(r#"[data-field="expires-in"]"#);
    let first = window.text_until(&field, |text| text.ends_with(" s")).await;
    let second = window.text_until(&field, |text| text != first).await;
    assert_ne!(first, second);
    let before = scene.sandbox.requests().await.len();

    // A person may click before the least distance of two refreshes is over; the page says so or it is simply done.
    eventually("a click on Refresh now is answered by a rotation", async || {
        window.click(&on_card(r#"[data-action="refresh"]"#)).await;
        (scene.sandbox.requests().await.len() > before).then_some(())
    })
    .await;
    window.find(VALID).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_login_is_seen_and_renewed_in_the_window() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 4s").await;
    let window = open(&scene.desktop).await;
    window.find(VALID).await;
    scene.sandbox.expire().await;

    window.find(r#"[data-account="default"][data-state="login-required"]"#).await;
    window.picture("window-login-required.png").await;
    window.click(&on_card(r#"[data-action="login-again"]"#)).await;
    window.log_in("not-a-token-of-this-server").await;
    window.text_until(r#"dialog [data-field="trouble"]"#, |text| text.len() > 10).await;
    let fresh = scene.sandbox.sign_in().await;
    window.log_in(&fresh.refresh_token).await;

    window.find(VALID).await;
    assert_no_token(&window, &[&fresh.refresh_token]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_survives_a_restart_of_the_agent() {
    let mut scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let window = open(&scene.desktop).await;
    window.find(VALID).await;

    scene.agent.kill();
    scene.agent = Agent::start(&scene.desktop).await;

    scene.desktop.login("other", &scene.sandbox).await;
    window.find(r#"[data-account="other"][data-state="valid"]"#).await;
    window.find(VALID).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_leaves_no_process_and_opens_again() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let desktop = &scene.desktop;
    drop(open(desktop).await);

    desktop.close_windows().await;
    eventually("the window's process has gone", async || {
        let lines = desktop.environment.processes().into_iter().map(procfs::command_line);
        let left: Vec<_> =
            lines.filter(|line| line.contains("evertoken-desktop") || line.contains("WebKitWeb")).collect();
        left.iter().all(|line| line.contains("WebKitWebDriver")).then_some(())
    })
    .await;

    open(desktop).await.find(VALID).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_open_brings_the_window_and_not_another() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let window = open(&scene.desktop).await;
    window.find(VALID).await;

    scene.desktop.evertoken("open").await.succeeded();

    window.find(VALID).await;
    assert_eq!(scene.desktop.windows().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_in_the_window_asks_first_and_then_forgets() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let window = open(&scene.desktop).await;
    window.click(&on_card(r#"[data-action="logout"]"#)).await;
    assert_eq!(scene.desktop.status().await.state("default"), "valid", "one click alone loses no login");

    window.confirm().await;

    scene.desktop.until_state("default", "signed-out").await;
    assert!(!Keyring::entries(&scene.desktop).await.contains("refresh_token"));
    window.find(r#"[data-account="default"][data-state="signed-out"]"#).await;
}

/// The page never holds a token that the agent has, nor one that was pasted and sent.
async fn assert_no_token(window: &Window, tokens: &[&str]) {
    let page = window.page().await;
    for token in tokens {
        assert!(!page.contains(token), "a token is in the page");
    }
}
