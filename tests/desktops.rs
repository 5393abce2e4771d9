//! The real desktops of Debian, walked through as a person does; `cargo xtask desktops` runs these and keeps the pictures.

use std::time::Duration;

use crate::desktop::{Button, Clipboard, NOWHERE, Parts, Point, Scene, Session, artefact, note, window_share, within};

/// Of a processor; `cargo xtask bench --window` holds the release build against a hundredth.
const MOST_IN_A_DEBUG_BUILD: f64 = 0.03;

/// Below the panel.
const BELOW_PANEL: u32 = 44;

#[tokio::test(flavor = "multi_thread")]
async fn xfce4_with_dunst() {
    walk(Parts::XFCE_DUNST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xfce4_with_its_own_notifications() {
    walk(Parts::XFCE_NOTIFYD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sway_with_waybar_and_mako() {
    walk(Parts::SWAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lxqt() {
    walk(Parts::LXQT).await;
}

/// Tokens of 20 minutes and of 30 seconds, four accounts each.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_window_is_calm_on_xfce4() {
    calm(Parts::XFCE_DUNST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_window_is_calm_on_sway() {
    calm(Parts::SWAY).await;
}

async fn calm(parts: Parts) {
    for life in ["20m", "30s"] {
        if !parts.are_here() {
            return;
        }
        let Session { mut desktop, bare: _, programs: _programs } = Session::start(parts).await;
        desktop.environment.set("TAURI_WEBVIEW_AUTOMATION", "false");
        let scene = Scene::signed_out(desktop, &format!("--expires-in {life}")).await;
        for name in ["a", "b", "c", "d"] {
            scene.desktop.login(name, &scene.sandbox).await;
        }
        scene.desktop.evertoken("open").await.succeeded();
        scene.desktop.window_is_open().await;
        scene.desktop.window_is_drawn().await;
        // The debug build draws as the release does, but thinks longer.
        let share = window_share(&scene.desktop, A_MINUTE).await;
        note(&format!("{}, tokens of {life}: {:.2} % of a processor", parts.name, share * 100.0));
        assert!(share <= MOST_IN_A_DEBUG_BUILD, "{:.2} % of a processor", share * 100.0);
    }
}

async fn walk(parts: Parts) {
    if !parts.are_here() {
        return;
    }
    let Session { desktop, bare, programs: _programs } = Session::start(parts).await;
    let scene = Scene::signed_out(desktop, "--expires-in 23h").await;
    scene.desktop.login("Production", &scene.sandbox).await;
    scene.desktop.login("Staging", &scene.sandbox).await;
    let mut walk = Walk::begin(parts, scene, bare).await;
    walk.tooltip().await;
    walk.window().await;
    walk.copy_in_the_menu().await;
    walk.coloured_by_the_panel().await;
    walk.log_in_again().await;
}

struct Walk {
    parts: Parts,
    scene: Scene,
    icon: Point,
    /// The desktop at rest, with the icon.
    rest: Vec<u8>,
    taken: u32,
}

impl Walk {
    async fn begin(parts: Parts, scene: Scene, bare: Vec<u8>) -> Self {
        let desktop = &scene.desktop;
        let rest = desktop.screen_settles(&bare).await;
        let icon = desktop.change_below(0, &bare, &rest).await.unwrap().centre();
        let mut walk = Self { parts, icon, rest, scene, taken: 0 };
        walk.keep("icon", &walk.rest.clone());
        walk
    }

    fn keep(&mut self, what: &str, picture: &[u8]) {
        self.taken += 1;
        artefact::keep(&format!("{}-{}-{what}.png", self.parts.name, self.taken), picture);
    }

    /// What the screen shows once it has changed from its rest.
    async fn shown(&mut self, what: &str) -> Vec<u8> {
        let shown = self.scene.desktop.screen_settles(&self.rest).await;
        self.keep(what, &shown);
        shown
    }

    async fn tooltip(&mut self) {
        self.scene.desktop.point_at(self.icon).await;
        self.shown("tooltip").await;
    }

    async fn window(&mut self) {
        self.scene.desktop.click_at(self.icon, Button::Left).await;
        self.scene.desktop.window_is_open().await;
        self.scene.desktop.point_at(NOWHERE).await;
        let window = self.scene.desktop.window_is_drawn().await;
        self.keep("window", &window);
        self.scene.desktop.close_windows().await;
        self.rests("the desktop is as before").await;
    }

    async fn copy_in_the_menu(&mut self) {
        self.scene.desktop.click_at(self.icon, Button::Right).await;
        let menu = self.shown("menu").await;
        let desktop = &self.scene.desktop;
        let area = desktop.change_below(BELOW_PANEL, &self.rest, &menu).await.unwrap();
        desktop.click_at((area.centre().0, self.icon.1 + self.parts.to_first_entry), Button::Left).await;
        desktop.point_at(NOWHERE).await;
        let token = desktop.evertoken("token Production").await.succeeded().to_owned();
        Clipboard::of(desktop).until("the token is on the clipboard", |text| text == token).await;
        self.shown("copied").await;
        self.rests("check mark and answer go by themselves").await;
    }

    /// The icon as the panel draws it when it is told the name of one.
    async fn coloured_by_the_panel(&mut self) {
        self.symbolic_icon(true).await;
        self.shown("symbolic").await;
        self.symbolic_icon(false).await;
        self.rests("the icon has its own colours again").await;
    }

    async fn symbolic_icon(&self, wanted: bool) {
        let change = format!(r#"{{"symbolic_tray_icon": {wanted}}}"#);
        let answer = self.scene.desktop.api("PATCH /v1/settings", &change).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn log_in_again(&mut self) {
        let Scene { desktop, sandbox, .. } = &self.scene;
        sandbox.expire().await;
        // The token must be old enough for another refresh.
        within(A_MINUTE, "a login is required", async || {
            desktop.evertoken("refresh Staging").await;
            desktop.status().await.state("Staging").starts_with("login-").then_some(())
        })
        .await;
        let shown = self.shown("log-in-notification").await;
        let desktop = &self.scene.desktop;
        let notification = desktop.change_below(BELOW_PANEL, &self.rest, &shown).await.unwrap();
        let (place, button) = self.parts.chooses;
        desktop.click_at(place(notification), button).await;
        desktop.window_is_open().await;
        desktop.point_at(NOWHERE).await;
        let window = desktop.window_is_drawn().await;
        assert!(desktop.differ_in(notification, &shown, &window).await, "its action was chosen, and it is still there");
        self.keep("log-in", &window);
        let desktop = &self.scene.desktop;
        desktop.login("Staging", &self.scene.sandbox).await;
        desktop.until("it is valid again", |status| status.state("Staging") == "valid").await;
        let place = desktop.change_below(BELOW_PANEL, &self.rest, &window).await.unwrap();
        let valid = within(A_MINUTE, "the log-in closes", async || {
            let now = desktop.screen_settles(&window).await;
            desktop.differ_in(place, &window, &now).await.then_some(now)
        })
        .await;
        self.keep("valid-again", &valid);
    }

    async fn rests(&self, what: &str) {
        let desktop = &self.scene.desktop;
        within(A_MINUTE, what, async || (desktop.screenshot("now").await == self.rest).then_some(())).await;
    }
}

const A_MINUTE: Duration = Duration::from_secs(60);
