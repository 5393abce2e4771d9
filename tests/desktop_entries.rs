//! What the desktop knows of Evertoken: its entries, and that it is there after the next log-in.

use std::path::Path;

use crate::desktop::{Desktop, Notifications, Outcome, Scene, Tray, Watcher, Window, eventually, source};

/// Every complaint, also the mild ones.
async fn validated(desktop: &Desktop, entry: &Path) {
    let mut command = desktop.environment.command("desktop-file-validate");
    command.arg(entry);
    let outcome = Outcome::of(command, b"").await;
    assert_eq!(outcome.succeeded(), "", "{}: {outcome:?}", entry.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desktop_accepts_every_entry_and_its_actions_are_commands_that_exist() {
    let desktop = Desktop::without_screen().await;
    let entries: Vec<_> = std::fs::read_dir(source().join("packaging")).unwrap().flatten().collect();
    let is_entry = |path: &Path| path.extension().is_some_and(|kind| kind == "desktop");
    let entries: Vec<_> = entries.iter().map(std::fs::DirEntry::path).filter(|path| is_entry(path)).collect();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        validated(&desktop, &entry).await;
    }
    let entry = std::fs::read_to_string(source().join("packaging/evertoken.desktop")).unwrap();
    let actions: Vec<_> = entry.lines().filter_map(|line| line.strip_prefix("Exec=evertoken ")).collect();
    assert_eq!(actions, ["copy --notify", "refresh"]);
    for action in actions {
        desktop.evertoken(&format!("{action} --help")).await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_log_in_on_a_desktop_it_is_there_at_the_next() {
    let mut desktop = Desktop::with_screen().await;
    desktop.environment.set("XDG_CURRENT_DESKTOP", "GNOME");
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::signed_out(desktop, "--expires-in 1h").await;
    let (desktop, sandbox) = (&scene.desktop, &scene.sandbox);
    let autostart = desktop.environment.path("config/autostart/evertoken-agent.desktop");
    assert!(!autostart.exists());

    let login = desktop.login_with("default", sandbox, &sandbox.sign_in().await.refresh_token).await;

    assert!(login.succeeded().contains("starts with your desktop from now on"), "{login:?}");
    validated(desktop, &autostart).await;
    let hint = notifications.shown("Evertoken has no icon here").await;
    assert!(hint.body.contains("gnome-shell-extension-appindicator"), "{hint:?}");
    notifications.dismiss(&desktop.bus, &hint).await;

    // Who has decided is left alone, and nobody is told twice.
    let change = r#"{"start_at_login":false}"#;
    assert_eq!(desktop.api("PATCH /v1/settings", change).await.unwrap().status, 200);
    let again = desktop.login_with("default", sandbox, &sandbox.sign_in().await.refresh_token).await;
    assert!(!again.succeeded().contains("starts with"), "{again:?}");
    assert!(!autostart.exists());
    assert_eq!(notifications.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_log_in_of_the_window_asks_whether_it_starts_with_the_desktop() {
    for wanted in [true, false] {
        let mut desktop = Desktop::with_screen().await;
        desktop.environment.set("XDG_CURRENT_DESKTOP", "XFCE");
        let scene = Scene::signed_out(desktop, "--expires-in 1h").await;
        let (desktop, sandbox) = (&scene.desktop, &scene.sandbox);
        desktop.evertoken("open").await.succeeded();
        let window = Window::appears(desktop).await;
        window.choose_endpoint(&sandbox.endpoint()).await;
        let is_ticked = "document.querySelector('[name=start-at-login]').checked";
        assert_eq!(window.run(is_ticked).await, true);
        if !wanted {
            window.click(r#"[name="start-at-login"]"#).await;
        }

        window.log_in(&sandbox.sign_in().await.refresh_token).await;

        window.text_until(r#"[data-field="said"]"#, |text| !text.is_empty()).await;
        let configuration = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
        assert!(configuration.contains(&format!("start_at_login = {wanted}")), "{configuration}");
        assert_eq!(desktop.environment.path("config/autostart/evertoken-agent.desktop").exists(), wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_it_at_the_start_is_heard_beside_a_package_that_does() {
    let mut desktop = Desktop::without_screen().await;
    let everybody = desktop.environment.path("services/xdg");
    std::fs::create_dir_all(everybody.join("autostart")).unwrap();
    let shipped = source().join("packaging/evertoken-agent-autostart.desktop");
    std::fs::copy(shipped, everybody.join("autostart/evertoken-agent.desktop")).unwrap();
    desktop.environment.set("XDG_CONFIG_DIRS", &everybody.display().to_string());
    let scene = Scene::signed_out(desktop, "").await;
    let autostart = scene.desktop.environment.path("config/autostart/evertoken-agent.desktop");

    assert!(starts_at_login(&scene.desktop).await, "the package's entry counts");

    for wanted in [false, true, false] {
        let change = format!(r#"{{"start_at_login":{wanted}}}"#);
        assert_eq!(scene.desktop.api("PATCH /v1/settings", &change).await.unwrap().status, 200);
        validated(&scene.desktop, &autostart).await;
        assert_eq!(std::fs::read_to_string(&autostart).unwrap().contains("Hidden=true"), !wanted);
        assert_eq!(starts_at_login(&scene.desktop).await, wanted);
    }
}

async fn starts_at_login(desktop: &Desktop) -> bool {
    desktop.api("GET /v1/settings", "").await.unwrap().body["start_at_login"].as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_only_says_off_can_be_switched_on_and_a_persons_own_is_said_to_stay() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let desktop = &scene.desktop;
    let autostart = desktop.environment.path("config/autostart/evertoken-agent.desktop");
    std::fs::create_dir_all(autostart.parent().unwrap()).unwrap();
    let switch_on = async || desktop.api("PATCH /v1/settings", r#"{"start_at_login":true}"#).await.unwrap();

    std::fs::write(&autostart, "[Desktop Entry]\nHidden=true\n").unwrap();
    assert_eq!(switch_on().await.status, 200);
    validated(desktop, &autostart).await;
    assert!(starts_at_login(desktop).await);

    let own = "[Desktop Entry]\nType=Application\nName=Mine\nExec=my-wrapper\nHidden=true\n";
    std::fs::write(&autostart, own).unwrap();
    let refused = switch_on().await;
    assert_eq!(refused.status, 500);
    assert!(refused.body.to_string().contains("somebody else wrote it"), "{}", refused.body);
    assert_eq!(std::fs::read_to_string(&autostart).unwrap(), own);
    assert!(!starts_at_login(desktop).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_copies_from_the_applications_menu_is_answered_by_a_notification() {
    let desktop = Desktop::with_screen().await;
    let (notifications, watcher) = (Notifications::arrive(&desktop.bus).await, Watcher::arrive(&desktop.bus).await);
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let tray = Tray::appears(&scene.desktop.bus, &watcher).await;

    scene.desktop.evertoken("copy --notify").await.succeeded();

    notifications.says("Copied default's access token.").await;
    let said = async || (tray.tooltip_title().await == "Copied default's access token.").then_some(());
    eventually("the tray says so too", said).await;
}
