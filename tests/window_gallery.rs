//! Every state of the window, light and dark: a picture of each, and nothing in it that keeps people out.
//!
//! `cargo xtask screenshots` runs these tests and keeps the pictures in `docs/pictures`.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::desktop::{Agent, Desktop, Sandbox, Scene, Window, procfs};
use crate::sign_in::command::configure;
use crate::sign_in::logged_in_on;

async fn open(desktop: &Desktop) -> Window {
    desktop.evertoken("open").await.succeeded();
    Window::appears(desktop).await
}

async fn keep(window: &Window, state: &str) {
    window.show_theme("dark").await;
    window.picture(&format!("window-{state}-dark.png")).await;
    window.has_contrast(&format!("{state}, dark")).await;
    window.show_theme("light").await;
    window.picture(&format!("window-{state}-light.png")).await;
    window.is_accessible(state).await;
}

fn in_state(account: &str, state: &str) -> String {
    format!(r#"[data-account="{account}"][data-state="{state}"]"#)
}

const TROUBLE: &str = r#"[data-field="trouble"]:not([hidden]) p"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_from_the_first_run_to_the_log_out() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene.desktop).await;
    the_first_run_and_every_outcome_of_a_log_in(&scene, &window).await;
    the_dialogs(&scene, &window).await;
    an_account_whose_token_lasts(&scene, &window).await;
}

async fn the_first_run_and_every_outcome_of_a_log_in(scene: &Scene, window: &Window) {
    let Scene { desktop, sandbox, keyring, .. } = scene;
    window.find(r#"[data-view="first-run"]"#).await;
    keep(window, "first-run").await;

    desktop.login("Production", sandbox).await;
    window.find(&in_state("Production", "valid")).await;
    window.click(r#"[data-action="login-again"]"#).await;
    let field = r#"textarea[name="credential"]"#;
    window.type_into(field, &sandbox.sign_in().await.refresh_token).await;
    window.text_until(r#"[data-field="recognised"]"#, |text| text.contains("fingerprint")).await;
    keep(window, "login-recognised").await;

    window.log_in("two words").await;
    window.find(TROUBLE).await;
    keep(window, "login-unusable").await;
    window.log_in("not-a-token-of-this-server").await;
    window.text_until(TROUBLE, |text| text.contains("cannot log in")).await;
    keep(window, "login-refused").await;

    sandbox.fault(json!({ "status": 404, "body": "<html>", "times": 1 })).await;
    window.log_in("not-a-token-of-this-server").await;
    window.text_until(TROUBLE, |text| text.contains("HTTP 404")).await;
    keep(window, "login-wrong-endpoint").await;

    keyring.lock().await;
    window.log_in("not-a-token-of-this-server").await;
    window.text_until(TROUBLE, |text| text.contains("keychain")).await;
    keep(window, "login-keychain-locked").await;
    keyring.unlock().await;

    window.press("\u{e00c}").await;
    window.click(r#"[data-action="add-account"]"#).await;
    window.type_into(r#"[data-view="add-account"] input[name="account"]"#, "elsewhere").await;
    // A port that nobody listens on.
    window.choose_endpoint("http://127.0.0.1:9/gettoken").await;
    window.log_in("a-refresh-token").await;
    window.text_until(TROUBLE, |text| text.contains("no connection")).await;
    keep(window, "login-no-connection").await;
    window.press("\u{e00c}").await;
}

async fn an_account_whose_token_lasts(scene: &Scene, window: &Window) {
    let Scene { desktop, sandbox, .. } = scene;
    window.find(&in_state("Production", "valid")).await;
    keep(window, "valid").await;
    window.click(r#"[data-action="more"]"#).await;
    keep(window, "menu").await;

    window.click(r#"[data-action="logout"]"#).await;
    keep(window, "question").await;
    window.click(r#"[data-view="question"] [data-action="cancel"]"#).await;

    sandbox.fault(json!({ "hold_before_commit": "picture", "status": 503 })).await;
    refresh_until(window, "Production", "refreshing").await;
    keep(window, "refreshing").await;
    sandbox.fault(json!({ "status": 503, "times": 50 })).await;
    sandbox.release("picture").await;
    window.find(&in_state("Production", "retrying")).await;
    keep(window, "retrying").await;
    sandbox.heal().await;
    sandbox.expire().await;
    refresh_until(window, "Production", "login-soon").await;
    keep(window, "login-soon").await;

    let before = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
    desktop
        .environment
        .configure(&before.replace(&sandbox.endpoint(), "https://api.vault.ist/v2.0/reference/gettoken"));
    window.find(&in_state("Production", "server-changed")).await;
    keep(window, "server-changed").await;
    desktop.environment.configure(&before);
    window.find(&in_state("Production", "login-soon")).await;

    desktop.evertoken("logout Production").await.succeeded();
    window.find(&in_state("Production", "signed-out")).await;
    keep(window, "signed-out").await;
}

/// Asks the agent for refreshes until the account is in this state: two lie a while apart.
async fn refresh_until(window: &Window, account: &str, state: &str) {
    crate::desktop::eventually(&format!("it is {state}"), async || {
        window
            .run(&format!(
                "window.__TAURI__.core.invoke('refresh', {{ account: '{account}' }}).catch(() => null) && true"
            ))
            .await;
        window.has(&in_state(account, state)).await.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_trouble() {
    let mut scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 4s").await;
    scene.desktop.login("Production", &scene.sandbox).await;
    let window = open(&scene.desktop).await;
    an_account_whose_token_is_over(&scene, &window).await;
    without_a_keychain_and_without_an_agent(&mut scene, &window).await;
}

async fn an_account_whose_token_is_over(scene: &Scene, window: &Window) {
    let Scene { desktop, sandbox, .. } = scene;
    // It is left alone for so long that nothing changes while the pictures are taken.
    sandbox.fault(json!({ "status": 503, "headers": { "Retry-After": "600" } })).await;
    window.find(&in_state("Production", "expired")).await;
    keep(window, "expired").await;

    desktop.login("Production", sandbox).await;
    sandbox.expire().await;
    window.find(&in_state("Production", "login-required")).await;
    keep(window, "login-required").await;
}

async fn without_a_keychain_and_without_an_agent(scene: &mut Scene, window: &Window) {
    scene.desktop.login("Production", &scene.sandbox).await;
    window.find(&in_state("Production", "valid")).await;
    scene.keyring.lock().await;
    window.find(&in_state("Production", "keychain-unavailable")).await;
    keep(window, "keychain-unavailable").await;

    scene.agent.kill();
    window.find(r#"[data-view="agent-unavailable"]"#).await;
    keep(window, "agent-unavailable").await;

    scene.agent = Agent::start(&scene.desktop).await;
    window.find(r#"[data-account="Production"]"#).await;
}

/// The longest name there can be is four letters longer.
const LONG_NAME: &str = "production.european-union.payments-and-settlements.team-seven";

#[tokio::test(flavor = "multi_thread")]
async fn twenty_accounts_and_names_that_are_too_long() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    for number in 1..=18 {
        desktop.login(&format!("team-{number:02}"), sandbox).await;
    }
    let scope: Vec<String> = (0..400).map(|number| format!("resource-{number}:read")).collect();
    let mut answer = sandbox.sign_in_response().await;
    answer["scope"] = scope.join(" ").into();
    sandbox.fault(json!({ "body": answer })).await;
    desktop.login(LONG_NAME, sandbox).await;
    let elsewhere = Sandbox::start(desktop, "--expires-in 24h").await;
    desktop.login("sandbox", &elsewhere).await;
    elsewhere.expire().await;
    desktop.evertoken(&format!("account default {LONG_NAME}")).await.succeeded();
    let window = open(desktop).await;
    refresh_until(&window, "sandbox", "login-soon").await;
    let row = format!(r#"[data-account="{LONG_NAME}"] [data-action="open"]"#);
    window.click(&row).await;
    keep(&window, "twenty-accounts").await;

    window.click(&row).await;
    keep(&window, "long-name").await;
    window.click(&format!(r#"[data-account="{LONG_NAME}"] [data-action="details"]"#)).await;
    window.run("document.querySelector('.card:not(.closed) dl').scrollIntoView({ block: 'center' })").await;
    let heights = "[...document.querySelectorAll('.card:not(.closed) .scopes li')].map((one) => one.getClientRects().length === 1 && one.offsetHeight)";
    window.until(&format!("new Set({heights}).size === 1 && {heights}[0] > 0")).await;
    keep(&window, "many-scopes").await;
    assert_eq!(window.run("document.documentElement.scrollWidth <= innerWidth").await, Value::Bool(true));
}

async fn the_dialogs(scene: &Scene, window: &Window) {
    crate::window_history::live_through_a_week(&scene.desktop, "Production");
    window.click(r#"[data-action="history"]"#).await;
    window.find(r#"[data-view="history"] [role="option"]"#).await;
    keep(window, "history").await;
    window.press("\u{e00c}").await;

    window.click(r#"[data-action="settings"]"#).await;
    window.find(r#"[data-view="settings"]"#).await;
    keep(window, "settings").await;
    window.press("\u{e00c}").await;

    window.click(r#"[data-action="settings"]"#).await;
    window.click(r#"[data-view="settings"] [data-action="about"]"#).await;
    window.text_until(r#"[data-view="about"] [data-field="diagnostics"]"#, |text| text.contains("valid")).await;
    keep(window, "about").await;
    window.press("\u{e00c}").await;

    window.click(r#"[data-action="edit"]"#).await;
    window.type_into(r#"[data-view="account"] textarea[name="headers"]"#, "X-Merchant-ID 1234").await;
    window.find(r#"[data-view="account"] [data-field="headers-trouble"]:not([hidden])"#).await;
    keep(window, "account").await;
    window.press("\u{e00c}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_at_the_server() {
    let scene = logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    // It waits for as long as somebody does.
    configure(&scene, "exec tail -f /dev/null").await;
    let window = open(desktop).await;
    window.click(r#"[data-action="login-again"]"#).await;
    window.find(r#"[data-way="command"]"#).await;
    keep(&window, "login-ways").await;

    for way in ["browser", "device", "command"] {
        window.click(&format!(r#"[data-way="{way}"]"#)).await;
        window.text_until(r#"[data-field="until"]"#, |text| text.starts_with("Waiting until")).await;
        keep(&window, &format!("sign-in-{way}")).await;
        window.click(r#"[data-action="give-up"]"#).await;
    }

    window.log_in(&sandbox.sign_in_as("usr:somebody-else").await.refresh_token).await;
    window.find(r#"[data-view="another-user"]"#).await;
    keep(&window, "another-user").await;
    window.press("\u{e00c}").await;

    window.click(r#"[data-action="add-account"]"#).await;
    window.type_into(r#"[data-view="add-account"] input[name="account"]"#, "work").await;
    window.click(r#"input[name="preset"][value="issuer"]"#).await;
    window.type_into(r#"input[name="issuer"]"#, "https://issuer.example").await;
    window.type_into(r#"input[name="client-id"]"#, "me").await;
    keep(&window, "login-issuer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_yet_and_nobody_there() {
    let mut scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 80s").await;
    let new = json!({ "name": "Production" }).to_string();
    scene.desktop.api("POST /v1/accounts", &new).await.unwrap();
    procfs::signal(scene.agent.pid(), Signal::STOP);
    let window = open(&scene.desktop).await;
    window.find(r#"[data-view="connecting"]"#).await;
    keep(&window, "connecting").await;
    procfs::signal(scene.agent.pid(), Signal::CONT);

    window.find(&in_state("Production", "signed-out")).await;
    window.click(r#"[data-action="history"]"#).await;
    window.find(r#"[data-view="history"]"#).await;
    keep(&window, "history-empty").await;
    window.press("\u{e00c}").await;

    scene.desktop.login("Production", &scene.sandbox).await;
    window.find(&in_state("Production", "valid")).await;
    let sandbox = std::mem::replace(&mut scene.sandbox, Sandbox::start(&scene.desktop, "").await);
    drop(sandbox);
    refresh_until(&window, "Production", "retrying").await;
    window.text_until(r#"[data-field="message"]"#, |text| text.starts_with("No connection")).await;
    keep(&window, "offline").await;
}
