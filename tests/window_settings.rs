//! What the window remembers, and the ways a credential gets into it.

use serde_json::{Value, json};

use crate::desktop::{Desktop, Outcome, Scene, Window, eventually};

async fn open(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    Window::appears(&scene.desktop).await
}

const IS_DARK: &str = "matchMedia('(prefers-color-scheme: dark)').matches";
const THEME: &str = "document.querySelector('dialog [name=theme]')";

/// Chooses as a click on the native list does.
async fn choose_theme(window: &Window, theme: &str) {
    window.click(r#"[data-action="settings"]"#).await;
    window.find(r#"[data-view="settings"]"#).await;
    window
        .run(&format!("({THEME}.value = '{theme}', {THEME}.dispatchEvent(new Event('change', {{ bubbles: true }})))"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_theme_is_seen_at_once_taken_back_and_remembered() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"]"#).await;
    assert_eq!(window.run(IS_DARK).await, Value::Bool(false), "this desktop is light");

    choose_theme(&window, "dark").await;
    window.until(IS_DARK).await;
    window.click(r#"dialog [data-action="cancel"]"#).await;
    window.until(&format!("!{IS_DARK}")).await;

    choose_theme(&window, "dark").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.querySelector('dialog') === null").await;
    window.until(IS_DARK).await;
    drop(window);
    scene.desktop.close_windows().await;

    let window = open(&scene).await;
    window.until(IS_DARK).await;
    window.click(r#"[data-action="settings"]"#).await;
    window.find(r#"[data-view="settings"]"#).await;
    assert_eq!(window.run(&format!("{THEME}.value")).await, json!("dark"));
    window.run("document.querySelector('dialog').close()").await;
    choose_theme(&window, "light").await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until(&format!("!{IS_DARK}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_checked_while_it_is_typed_and_undoes_no_change_of_the_file() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    window.click(r#"[data-action="settings"]"#).await;
    let clear = window.find(r#"[data-view="settings"] [name="clear-clipboard-after"]"#).await;
    clear.clear().await.unwrap();
    clear.send_keys("soon").await.unwrap();
    window
        .text_until(r#"[data-field="clear-clipboard-after-trouble"]"#, |text| text.starts_with("A duration is"))
        .await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.activeElement.name === 'clear-clipboard-after'").await;

    let file = scene.desktop.environment.configuration();
    let text = std::fs::read_to_string(&file).unwrap();
    scene.desktop.environment.configure(&format!("{text}\n[settings] # by hand\nrefresh = \"late\"\n"));
    eventually("the agent follows the file", async || {
        let settings = scene.desktop.api("GET /v1/settings", "").await?;
        (settings.body["refresh"] == "late").then_some(())
    })
    .await;
    let typed = "(() => { const field = document.querySelector('dialog [name=clear-clipboard-after]'); field.value = '2m'; \
                 field.dispatchEvent(new InputEvent('input', { bubbles: true })); \
                 return document.querySelector('[data-field=clear-clipboard-after-trouble]').hidden; })()";
    assert_eq!(window.run(typed).await, json!(true), "what was wrong goes with the first letter");
    window.click(r#"dialog [name="paste-once"]"#).await;
    window.click(r#"dialog [name="symbolic-tray-icon"]"#).await;
    window.click(r#"dialog [name="notify-copied"]"#).await;
    window.click(r#"dialog [data-action="save"]"#).await;
    window.until("document.querySelector('dialog') === null").await;

    let text = std::fs::read_to_string(&file).unwrap();
    for kept in [
        "refresh = \"late\"",
        "# by hand",
        "clear_clipboard_after = \"2m\"",
        "paste_once = true",
        "symbolic_tray_icon = true",
        "copied = false",
    ] {
        assert!(text.contains(kept), "{text}");
    }
    window.click(r#"[data-action="settings"]"#).await;
    window.find(r#"[data-view="settings"]"#).await;
    assert_eq!(window.run("document.querySelector('dialog [name=refresh]').value").await, json!("late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_comes_back_where_it_was_and_as_large() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    drop(open(&scene).await);
    let [id] = &scene.desktop.windows().await[..] else { panic!("one window") };
    for arguments in [["windowsize", "--sync", id, "520", "600"], ["windowmove", "--sync", id, "230", "110"]] {
        let mut command = scene.desktop.environment.command("xdotool");
        command.args(arguments);
        Outcome::of(command, b"").await.succeeded();
    }
    let before = geometry(&scene.desktop).await;
    assert!(before.contains("WIDTH=520\nHEIGHT=600"), "{before}");
    scene.desktop.close_windows().await;

    drop(open(&scene).await);

    eventually("it is where it was", async || (geometry(&scene.desktop).await == before).then_some(())).await;
}

/// Place and size of the one window, without its id.
async fn geometry(desktop: &Desktop) -> String {
    let [id] = &desktop.windows().await[..] else { return String::new() };
    let mut command = desktop.environment.command("xdotool");
    command.args(["getwindowgeometry", "--shell", id]);
    let lines = Outcome::of(command, b"").await.stdout;
    lines.lines().filter(|line| !line.starts_with("WINDOW=")).collect::<Vec<_>>().join("\n")
}

const CREDENTIAL: &str = r#"textarea[name="credential"]"#;
const RECOGNISED: &str = r#"[data-field="recognised"]"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_dropped_or_chosen_is_recognised_and_logs_in() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let response = scene.sandbox.sign_in_response().await;
    let window = open(&scene).await;
    window.find(CREDENTIAL).await;

    let dropped = json!("not a token");
    window
        .run(&format!(
            "(window.data = new DataTransfer(), window.data.items.add(new File([{dropped}], 'a.txt')), \
             document.querySelector('form').dispatchEvent(new DragEvent('drop', {{ dataTransfer: window.data, bubbles: \
             true, cancelable: true }})))"
        ))
        .await;
    window.text_until(RECOGNISED, |text| text.contains("not a refresh token")).await;

    let file = scene.desktop.environment.path("home/response.json");
    std::fs::write(&file, response.to_string()).unwrap();
    window.find(r#"input[name="file"]"#).await.send_keys(file.to_str().unwrap()).await.unwrap();
    window.text_until(RECOGNISED, |text| text.starts_with("A token response with a refresh token of")).await;
    assert_eq!(
        window.run("getComputedStyle(document.querySelector('[name=credential]')).webkitTextSecurity").await,
        json!("disc"),
        "nobody reads it over the shoulder"
    );
    window.choose_endpoint(&scene.sandbox.endpoint()).await;
    window.click(r#"[data-action="login"]"#).await;

    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    let page = window.page().await;
    assert!(!page.contains(response["refresh_token"].as_str().unwrap()), "the page forgets what it sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_not_read() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene).await;
    let file = scene.desktop.environment.path("home/large.txt");
    std::fs::write(&file, "a".repeat(1 << 20)).unwrap();
    window.find(r#"input[name="file"]"#).await.send_keys(file.to_str().unwrap()).await.unwrap();

    window.text_until(RECOGNISED, |text| text.contains("longer than a refresh token can be")).await;
}
