//! Several accounts in the window: a list that stays calm, and what can be changed about each.

use serde_json::json;

use crate::desktop::{Desktop, Scene, Tray, Watcher, Window};

const ENTER: &str = "\u{e007}";

async fn open(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    Window::appears(&scene.desktop).await
}

fn card(account: &str, part: &str) -> String {
    format!(r#"[data-account="{account}"] {part}"#)
}

/// Replaces what a field of the open dialog holds.
async fn retype(window: &Window, name: &str, text: &str) {
    let field = window.find(&format!(r#"dialog [name="{name}"]"#)).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_accounts_one_is_open_and_the_window_remembers_which() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    for name in ["alpha", "beta"] {
        scene.desktop.login(name, &scene.sandbox).await;
    }
    scene.desktop.evertoken("account default beta").await.succeeded();
    let window = open(&scene).await;
    let opened = "[...document.querySelectorAll('.card:not(.closed)')].map((card) => card.dataset.account)";
    window.find(&card("beta", r#"[data-field="default"]:not([hidden])"#)).await;
    assert_eq!(window.run(opened).await, json!(["beta"]), "the default one at first");
    let line = window.run("document.querySelector('[data-account=alpha] [data-field=line]').textContent").await;
    assert!(line.as_str().unwrap().starts_with("valid, 24 h 0 min"), "{line}");

    window.click(&card("alpha", r#"[data-action="open"]"#)).await;
    window.until(&format!("{opened}.join() === 'alpha'")).await;
    drop(window);
    scene.desktop.close_windows().await;

    let window = open(&scene).await;
    window.find(&card("alpha", r#"[data-action="copy"]"#)).await;
    assert_eq!(window.run(opened).await, json!(["alpha"]));
    window.click(&card("alpha", r#"[data-action="open"]"#)).await;
    // All can be closed.
    window.until(&format!("{opened}.length === 0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_account_takes_nothing_from_the_first_and_the_window_says_so() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let before = scene.desktop.token().await;
    let grant = scene.sandbox.sign_in().await;
    let window = open(&scene).await;
    window.click(r#"[data-action="add-account"]"#).await;
    retype(&window, "account", "work").await;
    window.choose_endpoint(&scene.sandbox.endpoint()).await;

    window.log_in(&grant.refresh_token).await;

    let said = "work is logged in. The default account is still default.";
    window.text_until(r#"[data-field="said"]"#, |text| text == said).await;
    window.find(&card("work", r#"[data-field="name"]"#)).await;
    assert_eq!(scene.desktop.token().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_renamed_and_made_the_default_in_the_window() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    scene.desktop.login("other", &scene.sandbox).await;
    let window = open(&scene).await;
    window.click(&card("other", r#"[data-action="open"]"#)).await;
    window.click(&card("other", r#"[data-action="edit"]"#)).await;
    retype(&window, "account", "default").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.text_until(r#"dialog [data-field="trouble"]"#, |text| text.contains("exists already")).await;

    retype(&window, "account", "work").await;
    window.click(r#"dialog [name="default"]"#).await;
    window.click(r#"dialog [data-action="save"]"#).await;

    window.find(&card("work", r#"[data-field="default"]:not([hidden])"#)).await;
    assert!(!window.has(r#"[data-account="other"]"#).await);
    assert_eq!(scene.desktop.status().await.names(), ["default", "work"]);
    assert_eq!(scene.desktop.status().await.account("work")["default"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_checked_while_it_is_typed_and_a_login_stays_with_its_server() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    window.click(r#"[data-action="edit"]"#).await;
    retype(&window, "endpoint", "http://api.vault.ist/gettoken").await;
    window.text_until(r#"dialog [data-field="endpoint-trouble"]"#, |text| text.contains("use https")).await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.activeElement.name === 'endpoint'").await;

    retype(&window, "endpoint", "https://vault.example/gettoken").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window
        .text_until(r#"dialog [data-field="trouble"]"#, |text| text.contains("its server changes with a log-in there"))
        .await;
    assert_eq!(scene.desktop.status().await.account("default")["endpoint"], scene.sandbox.endpoint());

    // No program that reaches the socket decides where a login is sent, also not on the same server.
    let other_path = scene.sandbox.url("/elsewhere");
    retype(&window, "endpoint", &other_path).await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window
        .text_until(r#"dialog [data-field="trouble"]"#, |text| text.contains("its server changes with a log-in there"))
        .await;
    assert_eq!(scene.desktop.status().await.account("default")["endpoint"], scene.sandbox.endpoint());

    scene.desktop.evertoken("logout default").await.succeeded();
    retype(&window, "endpoint", &other_path).await;
    retype(&window, "headers", "X-Merchant-ID: 1234").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.querySelector('dialog') === null").await;
    window.click(&card("default", r#"[data-field="host"]"#)).await;
    window.text_until(&card("default", r#"[data-field="endpoint"]"#), |text| text == other_path).await;
    let file = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(file.contains("X-Merchant-ID") && file.contains("/elsewhere"), "{file}");

    window.click(r#"[data-action="edit"]"#).await;
    retype(&window, "headers", " ").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.querySelector('dialog') === null").await;
    let file = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(!file.contains("X-Merchant-ID"), "what is left out is gone: {file}");
}

/// The accounts in the window, from top to bottom.
const NAMES: &str = "[...document.querySelectorAll('.card')].map((card) => card.dataset.account).join(' ')";

#[tokio::test(flavor = "multi_thread")]
async fn accounts_stand_in_the_order_that_a_person_gives_them_in_the_window_and_in_the_tray() {
    let desktop = Desktop::with_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::signed_out(desktop, "--expires-in 24h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    for name in ["alpha", "beta", "gamma"] {
        scene.desktop.login(name, &scene.sandbox).await;
    }
    scene.desktop.evertoken("account default gamma").await.succeeded();
    let window = open(&scene).await;
    window.until(&format!("{NAMES} === 'alpha beta gamma'")).await;

    window.click(&card("gamma", r#"[data-step="up"]"#)).await;
    window.until(&format!("{NAMES} === 'alpha gamma beta'")).await;
    window.text_until(r#"[data-field="said"]"#, |text| text == "gamma is number 2 of 3.").await;
    assert_eq!(window.run("document.activeElement.dataset.step").await, json!("up"), "the focus moves along");
    window.press(ENTER).await;
    window.until(&format!("{NAMES} === 'gamma alpha beta'")).await;
    window.press(ENTER).await;
    window.text_until(r#"[data-field="said"]"#, |text| text == "gamma is number 1 of 3.").await;
    window.click(&card("gamma", r#"[data-step="down"]"#)).await;
    window.until(&format!("{NAMES} === 'alpha gamma beta'")).await;

    let line = tray.label("the second account", |label| label.starts_with("gamma · ")).await;
    let labels = tray.labels().await;
    let lines: Vec<_> = labels.iter().filter(|label| !label.contains(" > ")).collect();
    assert_eq!(lines.iter().position(|label| **label == line), Some(2), "{labels:?}");
    let listed = scene.desktop.evertoken("account list").await.succeeded().to_owned();
    assert!(listed.find("gamma") < listed.find("beta"), "{listed}");
    assert_eq!(scene.desktop.status().await.names(), ["alpha", "beta", "gamma"], "programs read them by name");

    scene.desktop.evertoken("account rename gamma work").await.succeeded();
    window.until(&format!("{NAMES} === 'alpha work beta'")).await;
    let file = scene.desktop.environment.configuration();
    let text = std::fs::read_to_string(&file).unwrap();
    let order = r#"account_order = ["alpha", "work", "beta"]"#;
    assert!(text.contains(order), "{text}");
    scene.desktop.environment.configure(&text.replace(order, r#"account_order = ["beta"] # first of all"#));
    window.until(&format!("{NAMES} === 'beta alpha work'")).await;
}
