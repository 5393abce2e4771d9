//! Signing in at the server from the window: with a browser, with a code, with a command; and as another user.

use std::time::Duration;

use serde_json::json;

use crate::desktop::{Browser, Desktop, Scene, Window, eventually, fingerprint, throughout};
use crate::sign_in::command::configure;
use crate::sign_in::{at_the_server, hidden, logged_in_on, server, signed_out_on};

const ESCAPE: &str = "\u{e00c}";
const VALID: &str = r#"[data-account="default"][data-state="valid"]"#;
const WAITING: &str = r#"[data-view="waiting"]"#;
const QUESTION: &str = r#"[data-view="another-user"]"#;
const TROUBLE: &str = r#"form [data-field="trouble"]:not([hidden])"#;
const OTHER: &str = "usr:somebody-else";

async fn open(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    Window::appears(&scene.desktop).await
}

async fn logged_in(options: &str) -> (Scene, Window) {
    let scene = logged_in_on(Desktop::with_screen().await, options).await;
    let window = open(&scene).await;
    window.click(r#"[data-action="login-again"]"#).await;
    (scene, window)
}

fn way(name: &str) -> String {
    format!(r#"[data-way="{name}"]"#)
}

async fn is_closed(window: &Window) {
    window.until("document.querySelector('dialog') === null").await;
}

async fn polls(scene: &Scene) -> usize {
    scene.sandbox.requests().await.iter().filter(|request| request.outcome == "pending").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_the_browser_and_comes_back_to_the_window() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    let before = scene.desktop.status().await.fingerprint("default");
    assert!(!window.find(&way("command")).await.is_displayed().await.unwrap(), "the account has no command");

    window.click(&way("browser")).await;
    let browser = Browser::new();
    let (opened, asked) = at_the_server(&scene, &browser).await;
    let address = window.text_until(&format!(r#"{WAITING} [data-field="address"]"#), |text| !text.is_empty()).await;
    assert_eq!(address, opened);
    assert!(window.text(&format!(r#"{WAITING} [data-field="words"]"#)).await.starts_with("Your browser opens"));
    let form = format!("id={}&answer=approve", hidden(&asked, "id"));
    let answered = browser.post(&scene.sandbox.url("/oauth/authorize"), &form).await;
    let page = browser.get(answered.location()).await;
    assert!(page.html.contains("You can close this page"), "{}", page.html);

    is_closed(&window).await;
    window.find(VALID).await;
    assert_ne!(scene.desktop.status().await.fingerprint("default"), before);
    let page = window.page().await;
    let (_, code) = answered.location().split_once("code=").unwrap();
    for secret in [code.split('&').next().unwrap(), &scene.desktop.token().await] {
        assert!(!page.contains(secret), "a secret is in the page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_brings_the_answer_of_a_browser_on_another_machine() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    let before = scene.desktop.status().await.fingerprint("default");
    window.click(&way("browser")).await;
    window.click(&format!("{WAITING} summary")).await;
    let address = window.text_until(&format!(r#"{WAITING} [data-field="elsewhere"]"#), |text| !text.is_empty()).await;
    let browser = Browser::new();
    let asked = browser.get(&address).await;
    let form = format!("id={}&answer=approve", hidden(&asked, "id"));
    let answered = browser.post(&scene.sandbox.url("/oauth/authorize"), &form).await;

    window.type_into(r#"input[name="callback"]"#, "http://127.0.0.1:1/callback?code=a&state=b").await;
    window.click(r#"[data-action="bring-callback"]"#).await;
    let trouble = format!(r#"{WAITING} [data-field="callback-trouble"]"#);
    window.text_until(&trouble, |text| text.contains("not the answer to the sign-in")).await;
    window.type_into(r#"input[name="callback"]"#, answered.location()).await;
    window.click(r#"[data-action="bring-callback"]"#).await;

    is_closed(&window).await;
    window.find(VALID).await;
    assert_ne!(scene.desktop.status().await.fingerprint("default"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_names_the_issuer_and_enters_a_code_on_another_device() {
    let scene = signed_out_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    let device = window.find(&way("device")).await;
    assert!(!device.is_displayed().await.unwrap(), "Vault itself offers no such way");

    window.click(r#"input[name="preset"][value="issuer"]"#).await;
    window.type_into(r#"input[name="issuer"]"#, "http://issuer.example").await;
    window.type_into(r#"textarea[name="parameters"]"#, "scope").await;
    device.click().await.unwrap();
    window.text_until(r#"[data-field="issuer-trouble"]"#, |text| text.contains("use https")).await;
    window.text_until(r#"[data-field="parameters-trouble"]"#, |text| text.contains("name=value")).await;
    assert!(!window.has(WAITING).await, "nobody is asked for what is wrong");
    window.click(r#"input[name="preset"][value="custom"]"#).await;
    window.until("document.querySelector('[data-field=issuer-trouble]').hidden").await;
    window.click(r#"input[name="preset"][value="issuer"]"#).await;
    window.text_until(r#"[data-field="issuer-trouble"]"#, |text| text.contains("use https")).await;
    for (name, text) in
        [("issuer", scene.sandbox.url("")), ("client-id", "me".to_owned()), ("parameters", " ".to_owned())]
    {
        let field = window.find(&format!(r#"[name="{name}"]"#)).await;
        field.clear().await.unwrap();
        field.send_keys(&text).await.unwrap();
    }
    // What was wrong is taken back while one types, and what is below moves up.
    window.until("[...document.querySelectorAll('form .wrong')].every((said) => said.hidden)").await;
    device.click().await.unwrap();

    let code = window.text_until(&format!(r#"{WAITING} [data-field="code"]"#), |text| !text.is_empty()).await;
    let place = window.text(&format!(r#"{WAITING} [data-field="address"]"#)).await;
    assert_eq!(place, scene.sandbox.url("/oauth/device"));
    let form = format!("user_code={code}&answer=approve");
    assert_eq!(Browser::new().post(&place, &form).await.status, 200);

    window.find(VALID).await;
    assert_eq!(scene.desktop.status().await.account("default")["sign_in"], json!(["browser", "device"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_own_command_logs_in_and_its_failure_is_told() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    window.press(ESCAPE).await;
    configure(&scene, "exit 7").await;
    window.click(r#"[data-action="login-again"]"#).await;
    window.click(&way("command")).await;
    let trouble = window.text_until(TROUBLE, |text| text.contains("exit code 7")).await;
    assert!(trouble.contains("nothing was changed"), "{trouble}");
    window.until("document.activeElement.dataset.way === 'command'").await;

    let grant = scene.sandbox.sign_in().await;
    configure(&scene, &format!("echo {}", grant.refresh_token)).await;
    window.click(&way("command")).await;

    is_closed(&window).await;
    window.find(VALID).await;
    assert!(!scene.sandbox.takes(&fingerprint(&grant.refresh_token)).await, "it was proven by a refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_given_up_ends_at_once_and_the_login_goes_on() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    let before = scene.desktop.status().await.fingerprint("default");
    window.click(&way("device")).await;
    window.text_until(&format!(r#"{WAITING} [data-field="code"]"#), |text| !text.is_empty()).await;
    window.click(r#"[data-action="give-up"]"#).await;
    window.until("document.activeElement.dataset.way === 'device'").await;
    assert!(!window.has(WAITING).await && !window.has(TROUBLE).await, "giving up is no trouble");

    window.click(&way("device")).await;
    window.text_until(&format!(r#"{WAITING} [data-field="code"]"#), |text| !text.is_empty()).await;
    window.press(ESCAPE).await;
    is_closed(&window).await;

    let now = polls(&scene).await;
    // Four polls, if there were any; one may be on its way.
    throughout(Duration::from_secs(4), "nobody polls", async || polls(&scene).await <= now + 1).await;
    assert_eq!(scene.desktop.status().await.fingerprint("default"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_says_no_at_the_server_reads_so_in_the_window() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    scene.sandbox.consent(json!({"answer": "deny"})).await;
    window.click(&way("browser")).await;
    let browser = Browser::new();
    let (_, answered) = at_the_server(&scene, &browser).await;
    browser.get(answered.location()).await;

    let told = window.text_until(TROUBLE, |text| text.contains("access_denied")).await;
    assert!(told.contains("nothing was changed"), "{told}");
    window.press(ESCAPE).await;
    window.find(VALID).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_login_of_another_user_is_a_question_and_the_answer_counts() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    let user = async || scene.desktop.status().await.account("default")["user_id"].as_str().unwrap().to_owned();
    let mine = user().await;
    let other = scene.sandbox.sign_in_as(OTHER).await;

    window.log_in(&other.refresh_token).await;
    let asked = window.text(QUESTION).await;
    assert!(asked.contains(&mine) && asked.contains(OTHER) && !asked.contains("--"), "{asked}");
    window.until("document.activeElement.dataset.action === 'keep'").await;
    window.click(r#"[data-action="keep"]"#).await;
    window.until("document.activeElement.name === 'credential'").await;
    assert_eq!(user().await, mine);

    let mut response = scene.sandbox.sign_in_response().await;
    response["user_id"] = json!(OTHER);
    let token = fingerprint(response["refresh_token"].as_str().unwrap());
    window.log_in(&response.to_string()).await;
    window.find(QUESTION).await;
    assert!(scene.sandbox.takes(&token).await, "it is not spent before the answer");
    window.press(ESCAPE).await;
    is_closed(&window).await;
    assert_eq!(user().await, mine);

    window.click(r#"[data-action="login-again"]"#).await;
    window.log_in(&response.to_string()).await;
    window.click(r#"[data-action="replace"]"#).await;
    is_closed(&window).await;
    assert!(!scene.sandbox.takes(&token).await);
    assert!(!window.page().await.contains(&other.refresh_token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_takes_the_name_of_no_other() {
    let (scene, window) = logged_in("--expires-in 24h").await;
    let grant = scene.sandbox.sign_in().await;
    window.press(ESCAPE).await;
    window.click(r#"[data-action="add-account"]"#).await;
    let name = window.find(r#"dialog [name="account"]"#).await;
    name.clear().await.unwrap();
    name.send_keys("default").await.unwrap();
    window.choose_endpoint(&scene.sandbox.endpoint()).await;
    window.log_in(&grant.refresh_token).await;

    window.text_until(TROUBLE, |text| text.contains("There is an account default already")).await;
    let is_seen = "(() => { const { top, bottom } = document.querySelector('form .trouble:not([hidden])').getBoundingClientRect(); \
                   return top >= 0 && bottom <= innerHeight; })()";
    window.until(is_seen).await;
    assert!(scene.sandbox.takes(&fingerprint(&grant.refresh_token)).await, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_enter_key_in_the_field_of_an_issuer_signs_in_there() {
    let scene = signed_out_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    window.click(r#"input[name="preset"][value="issuer"]"#).await;
    window.type_into(r#"input[name="issuer"]"#, &scene.sandbox.url("")).await;
    window.type_into(r#"input[name="client-id"]"#, "me\u{e007}").await;

    window.text_until(&format!(r#"{WAITING} [data-field="until"]"#), |text| text.starts_with("Waiting")).await;
    // The account comes from elsewhere, and what waits here is not seen any more.
    let grant = scene.sandbox.sign_in().await;
    let login = format!("login elsewhere {}", server(&scene));
    scene.desktop.evertoken_reading(&grant.refresh_token, &login).await.succeeded();
    window.find(r#"[data-account="elsewhere"]"#).await;
    let callback = scene.desktop.opened().await;
    eventually("the port is closed", async || Browser::new().get_with(&callback, &[]).await.is_none().then_some(()))
        .await;
}
