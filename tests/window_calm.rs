//! An open window costs next to nothing while nothing happens, and does not contradict itself when something does.

use std::time::Duration;

use crate::desktop::{Desktop, Scene, Tray, Watcher, Window, eventually, note, procfs, window_share};

async fn open(desktop: &Desktop) -> Window {
    desktop.evertoken("open").await.succeeded();
    Window::appears(desktop).await
}

/// No text of a token of 20 minutes changes oftener than once a minute, and each of the four does.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_window_with_four_calm_accounts_costs_a_hundredth_of_a_processor() {
    four_accounts_cost("20m", Duration::from_secs(60), 0.01).await;
}

/// Each refresh is drawn once: eleven pictures a minute.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_seconds_are_not_counted_down_at_the_price_of_a_processor() {
    four_accounts_cost("30s", Duration::from_secs(60), 0.03).await;
}

/// Opens a window with four accounts whose tokens live this long, and holds its share of a processor against a bound.
async fn four_accounts_cost(life: &str, span: Duration, most: f64) {
    let scene = Scene::signed_out(Desktop::with_screen().await, &format!("--expires-in {life}")).await;
    let desktop = &scene.desktop;
    for name in ["a", "b", "c", "d"] {
        desktop.login(name, &scene.sandbox).await;
    }
    let window = open(desktop).await;
    window.find(r#"[data-account="d"]"#).await;
    // The driver itself wakes WebKit.
    drop(window);
    let share = window_share(desktop, span).await;

    note(&format!("tokens of {life}: {:.2} % of a processor", share * 100.0));
    assert!(share <= most, "{:.2} % of a processor", share * 100.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_drawn_that_does_not_change_by_a_step_that_is_seen() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open(&scene.desktop).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    let watch = "window.drawn = 0, new MutationObserver((all) => window.drawn += all.length).observe(document.body, \
                 { childList: true, characterData: true, attributes: true, subtree: true }), true";
    window.run(watch).await;
    let text = window.text(r#"[data-field="expires-in"]"#).await;

    // Whatever makes the window look again: a size that it has for a moment, the focus that comes and goes.
    for (width, height) in [(470, 720), (480, 720), (470, 720), (460, 720)] {
        window.resize(width, height).await;
    }

    if window.text(r#"[data-field="expires-in"]"#).await == text {
        assert_eq!(window.run("window.drawn").await, 0, "nothing that is read has changed");
    }
    assert_eq!(window.run("document.getAnimations().length").await, 0, "no ring is animated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_does_not_say_that_a_login_expired_once_it_was_renewed_elsewhere() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 4s").await;
    let window = open(&scene.desktop).await;
    scene.sandbox.expire().await;
    window.find(r#"[data-account="default"][data-state="login-required"]"#).await;
    window.click(r#"[data-action="login-again"]"#).await;
    window.text_until(r#"[data-view="login"] [data-field="message"]"#, |text| text.contains("expired")).await;

    scene.desktop.login("default", &scene.sandbox).await;

    window.until("document.querySelector('dialog') === null").await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quit_in_the_tray_leaves_no_window_behind() {
    let desktop = Desktop::with_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;
    let window = open(&scene.desktop).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    drop(window);

    tray.click("Quit and stop refreshing tokens").await;

    assert!(scene.agent.ended().await.success());
    eventually("the window has closed", async || scene.desktop.windows().await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_that_prefers_dark_windows_gets_one() {
    let desktop = Desktop::with_screen().await;
    let folder = desktop.environment.path("config/gtk-3.0");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("settings.ini"), "[Settings]\ngtk-application-prefer-dark-theme=1\n").unwrap();
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let window = open(&scene.desktop).await;

    window.until("matchMedia('(prefers-color-scheme: dark)').matches").await;
    window.show_theme("light").await;
    window.run("window.__TAURI__.core.invoke('show_theme', { theme: 'system' })").await;
    window.until("matchMedia('(prefers-color-scheme: dark)').matches").await;
}

/// Mesa would play a graphics processor, which takes longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_painted_by_the_processor_where_there_is_no_other_one() {
    let has_graphics = std::fs::read_dir("/dev/dri")
        .is_ok_and(|nodes| nodes.flatten().any(|node| node.file_name().to_string_lossy().starts_with("renderD")));
    for (chosen, painted_so) in [(None, !has_graphics), (Some("0"), false)] {
        let mut desktop = Desktop::with_screen().await;
        if let Some(value) = chosen {
            desktop.environment.set("WEBKIT_SKIA_ENABLE_CPU_RENDERING", value);
        }
        let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
        let window = open(&scene.desktop).await;
        window.find(r#"[data-account="default"]"#).await;

        let processes = scene.desktop.environment.processes();
        let page = processes.into_iter().find(|pid| procfs::command_line(*pid).contains("WebKitWebProcess")).unwrap();

        let variables = procfs::variables(page);
        assert_eq!(variables.split('\0').any(|pair| pair == "WEBKIT_SKIA_ENABLE_CPU_RENDERING=1"), painted_so);
    }
}
