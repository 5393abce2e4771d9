//! The window by keyboard: a token is pasted wherever the focus is, and what is done most has a key.

use crate::desktop::{Clipboard, Desktop, Outcome, Scene, Window};

const CREDENTIAL: &str = r#"textarea[name="credential"]"#;

async fn open(desktop: &Desktop) -> Window {
    desktop.evertoken("open").await.succeeded();
    Window::appears(desktop).await
}

/// Presses keys together, as the screen's keyboard does it.
async fn press(desktop: &Desktop, keys: &str) {
    for id in desktop.windows().await {
        let mut focus = desktop.environment.command("xdotool");
        focus.args(["windowfocus", "--sync", &id, "key", "--clearmodifiers", keys]);
        Outcome::of(focus, b"").await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_pastes_presses_enter_and_is_logged_in() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 1h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    let token = sandbox.sign_in().await.refresh_token;
    let _owner = Clipboard::of(desktop).take(&token).await;
    let window = open(desktop).await;
    window.until("document.activeElement.name === 'credential'").await;
    window.choose_endpoint(&sandbox.endpoint()).await;
    // Nothing has the focus that takes letters.
    window.run("document.activeElement.blur()").await;

    press(desktop, "ctrl+v").await;
    window
        .until(&format!("document.querySelector('{}').value.trim() === '{token}'", CREDENTIAL.replace('"', "")))
        .await;
    press(desktop, "Return").await;

    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn control_and_enter_log_in_from_any_field() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 1h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    let window = open(desktop).await;
    window.type_into(CREDENTIAL, &sandbox.sign_in().await.refresh_token).await;
    window.choose_endpoint(&sandbox.endpoint()).await;
    window.type_into(r#"textarea[name="headers"]"#, "X-Merchant-ID: 1234").await;

    press(desktop, "ctrl+Return").await;

    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_most_has_a_key_and_the_tooltip_names_it() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;
    let desktop = &scene.desktop;
    let window = open(desktop).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    assert_eq!(window.run("document.querySelector('[data-action=copy]').title").await, "Copy access token (Ctrl+C)");

    press(desktop, "ctrl+c").await;
    let token = desktop.token().await;
    Clipboard::of(desktop).until("the token", |text| text == token).await;
    press(desktop, "ctrl+r").await;
    window.text_until(r#"[data-field="said"]"#, |text| text.contains("not refreshed, because")).await;
    press(desktop, "ctrl+l").await;
    window.find(r#"[data-view="login"]"#).await;
    window.until("document.activeElement.closest('[data-view=login]') !== null").await;
    press(desktop, "Escape").await;
    window.until("document.querySelector('dialog') === null").await;

    window.click(r#"[data-action="more"]"#).await;
    window.until("document.activeElement.getAttribute('role') === 'menuitem'").await;
    press(desktop, "Escape").await;
    window
        .until("document.querySelector('[role=menu]').hidden && document.activeElement.dataset.action === 'more'")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_shows_the_focus_to_those_who_use_the_keyboard_and_to_nobody_else() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene.desktop).await;
    let ring = "getComputedStyle(document.activeElement).outlineStyle";
    window.click(r#"[data-action="add-account"]"#).await;
    window.find(r#"[data-view="add-account"]"#).await;
    window.click(r#"[data-view="add-account"] [data-action="cancel"]"#).await;
    window.until("document.activeElement.dataset.action === 'add-account'").await;
    assert_eq!(window.run(ring).await, "none", "a click needs no ring");

    window.press("\u{e004}").await;

    window.until("document.activeElement.dataset.action === 'settings'").await;
    assert_eq!(window.run(ring).await, "solid", "a key does");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_accounts_the_one_that_is_wanted_is_found_by_its_name() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let desktop = &scene.desktop;
    for number in 1..=10 {
        desktop.login(&format!("team-{number:02}"), &scene.sandbox).await;
    }
    desktop.evertoken("logout team-07").await.succeeded();
    let window = open(desktop).await;
    let seen =
        "[...document.querySelectorAll('.card')].filter((card) => !card.hidden).map((card) => card.dataset.account)";
    window.until(&format!("{seen}[0] === 'team-07' && {seen}.length === 10")).await;

    press(desktop, "ctrl+f").await;
    window.until("document.activeElement.name === 'filter'").await;
    window.press("-1").await;
    window.until(&format!("{seen}.join() === 'team-10'")).await;
    press(desktop, "Escape").await;
    window.until(&format!("{seen}.length === 10")).await;

    window.click(r#"[data-account="team-03"] [data-action="copy-row"]"#).await;
    let token = desktop.evertoken("token team-03").await.succeeded().to_owned();
    Clipboard::of(desktop).until("the token of the row", |text| text == token).await;
}
