//! The window for people who use a keyboard, a screen reader, large letters, or read from right to left.

use serde_json::{Value, json};

use crate::desktop::{Desktop, Scene, Window};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";
const END: &str = "\u{e010}";

async fn open(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    Window::appears(&scene.desktop).await
}

/// Goes on with the Tab key until the focus is on an element like this.
async fn tab_to(window: &Window, selector: &str) {
    for _ in 0..40 {
        window.press(TAB).await;
        if window.run(&format!("document.activeElement.matches('{selector}')")).await == Value::Bool(true) {
            let outline = "getComputedStyle(document.activeElement).outlineStyle";
            assert_eq!(window.run(outline).await, json!("solid"), "the focus is seen on {selector}");
            return;
        }
    }
    panic!("the Tab key never comes to {selector}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_logs_in_copies_and_logs_out() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 24h").await;
    let grant = scene.sandbox.sign_in().await;
    let window = open(&scene).await;
    window.find(r#"[data-view="first-run"]"#).await;

    tab_to(&window, "textarea[name=credential]").await;
    window.press(&grant.refresh_token).await;
    tab_to(&window, "summary").await;
    window.press(" ").await;
    tab_to(&window, "input[name=preset]").await;
    window.press("\u{e015}\u{e015}").await;
    tab_to(&window, "input[name=endpoint]").await;
    window.press(&scene.sandbox.endpoint()).await;
    tab_to(&window, "[data-action=login]").await;
    window.press(ENTER).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;

    tab_to(&window, "[data-action=copy]").await;
    window.press(ENTER).await;
    window.text_until(r#"[data-field="said"]"#, |text| text.starts_with("Copied default's access token.")).await;
    tab_to(&window, "[data-action=more]").await;
    window.press(ENTER).await;
    window.press(DOWN).await;
    window.until("document.activeElement.dataset.action === 'history'").await;
    window.press(ENTER).await;
    window.find(r#"[data-view="history"]"#).await;
    window.press(ESCAPE).await;
    window.until("document.activeElement.dataset.action === 'more'").await;
    tab_to(&window, "[data-action=settings]").await;

    tab_to(&window, "[data-action=more]").await;
    window.press(ENTER).await;
    window.press(END).await;
    window.until("document.activeElement.dataset.action === 'logout'").await;
    window.press(ENTER).await;
    window.until("document.activeElement.dataset.action === 'cancel'").await;
    tab_to(&window, "[data-action=confirm]").await;
    window.press(ENTER).await;
    window.find(r#"[data-account="default"][data-state="signed-out"]"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_reader_hears_of_changes_and_not_of_the_countdown() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 62s").await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    window
        .run(
            "window.heard = [], document.querySelectorAll('[aria-live], [role=status], [role=alert]').forEach( \
             (region) => new MutationObserver(() => window.heard.push(region.textContent)).observe(region, \
             { childList: true, characterData: true, subtree: true })), true",
        )
        .await;
    let time = r#"[data-field="expires-in"]"#;
    let first = window.text(time).await;
    window.text_until(time, |text| text != first).await;
    assert_eq!(window.run("window.heard").await, json!([]), "a text that counts down is not read out");

    scene.desktop.evertoken("logout default").await.succeeded();
    window.find(r#"[data-account="default"][data-state="signed-out"]"#).await;

    assert_eq!(window.run("window.heard").await, json!(["default: signed out"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_while_the_time_counts_down() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 62s").await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    let places = "[...document.querySelectorAll('main *')].map((one) => { const box = one.getBoundingClientRect(); \
                  return [one.dataset.field ?? '', box.top, box.height].join(' '); })";
    let before = window.run(places).await;
    let time = r#"[data-field="expires-in"]"#;
    let first = window.text(time).await;
    let second = window.text_until(time, |text| text != first).await;
    window.text_until(time, |text| text != second).await;

    assert_eq!(window.run(places).await, before);
}

/// What is wider than the window, by its markup.
const TOO_WIDE: &str = "[...document.querySelectorAll('body *')].filter((one) => { \
    const box = one.getBoundingClientRect(); \
    return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && !one.closest('.unseen, .spans input'); }) \
    .map((one) => one.outerHTML.slice(0, 90))";

#[tokio::test(flavor = "multi_thread")]
async fn every_dialog_fits_the_smallest_window_twice_the_size_and_from_right_to_left() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    scene.desktop.login("production.european-union.payments-and-settlements.team-seven", &scene.sandbox).await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;

    for (size, zoom, direction) in [((360, 480), 1.0, "ltr"), ((360, 480), 1.0, "rtl"), ((720, 700), 2.0, "ltr")] {
        let case = format!("{size:?} at {zoom}, {direction}");
        window.resize(size.0, size.1).await;
        window
            .run(&format!("window.__TAURI__.core.invoke('plugin:webview|set_webview_zoom', {{ value: {zoom} }})"))
            .await;
        window.until(&format!("Math.abs(innerWidth - {}) <= 2", f64::from(size.0) / zoom)).await;
        window.run(&format!("document.documentElement.dir = '{direction}'")).await;
        for action in ["", "history", "edit", "settings", "add-account", "login-again", "logout"] {
            if !action.is_empty() {
                window.run(&format!("document.querySelector('.card:not(.closed) [data-action={action}], .bar [data-action={action}]').click()")).await;
                window.find("dialog[open]").await;
            }
            // A name of one word, as long as a name can be; the form repeats it.
            let typed = "document.querySelectorAll('dialog [name=account]').forEach((field) => { \
                         field.value = 'W_'.repeat(32); field.dispatchEvent(new Event('change', { bubbles: true })); })";
            window.run(typed).await;
            assert_eq!(window.run(TOO_WIDE).await, json!([]), "{case}: {action}");
            window.run("document.querySelector('dialog')?.close()").await;
            window.until("document.querySelector('dialog') === null").await;
        }
        window.picture(&format!("window-fits-{}-{zoom}-{direction}.png", size.0)).await;
    }
}

/// What the desktop's settings say to every GTK program.
fn prefer(desktop: &Desktop, setting: &str) {
    let folder = desktop.environment.path("config/gtk-3.0");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("settings.ini"), format!("[Settings]\n{setting}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_of_high_contrast_gets_it_in_every_dialog_light_and_dark() {
    let desktop = Desktop::with_screen().await;
    prefer(&desktop, "gtk-theme-name=HighContrast");
    let scene = Scene::logged_in_on(desktop, "--expires-in 24h").await;
    scene.desktop.login("work", &scene.sandbox).await;
    crate::window_history::live_through_a_week(&scene.desktop, "default");
    scene.sandbox.expire().await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"]"#).await;
    assert_eq!(window.run("matchMedia('(prefers-contrast: more)').matches").await, Value::Bool(true));

    for theme in ["light", "dark"] {
        window.show_theme(theme).await;
        for action in ["", "history", "edit", "settings", "add-account", "login-again", "logout"] {
            if !action.is_empty() {
                window.run(&format!("document.querySelector('.card:not(.closed) [data-action={action}], .bar [data-action={action}]').click()")).await;
                window.find("dialog[open]").await;
            }
            window.picture(&format!("window-high-contrast-{action}-{theme}.png")).await;
            window.has_high_contrast(&format!("{action}, {theme}")).await;
            window.run("document.querySelector('dialog')?.close()").await;
            window.until("document.querySelector('dialog') === null").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_wants_no_motion_sees_none() {
    let desktop = Desktop::with_screen().await;
    prefer(&desktop, "gtk-enable-animations=false");
    let scene = Scene::logged_in_on(desktop, "--expires-in 62s").await;
    let window = open(&scene).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    assert_eq!(window.run("matchMedia('(prefers-reduced-motion: reduce)').matches").await, Value::Bool(true));
    let time = r#"[data-field="expires-in"]"#;
    let first = window.text(time).await;
    window.text_until(time, |text| text != first).await;

    assert_eq!(window.run("document.getAnimations().length").await, json!(0), "the ring goes on without a slide");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_written_in_the_font_of_the_desktops_programs() {
    let desktop = Desktop::with_screen().await;
    prefer(&desktop, "gtk-font-name=DejaVu Serif 11");
    let scene = Scene::logged_in_on(desktop, "--expires-in 24h").await;
    let window = open(&scene).await;
    let widths = "[getComputedStyle(document.body).fontFamily, 'DejaVu Serif', 'DejaVu Sans'].map((font) => {
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.font = `40px ${font}`;
        return canvas.measureText('Evertoken').width;
    })";
    let widths = window.run(widths).await;
    assert_eq!(widths[0], widths[1]);
    assert_ne!(widths[0], widths[2]);
}
