//! A real panel and a real notification daemon, for pictures.

use std::fs;

use super::Desktop;
use super::artefact;
use super::deadline::eventually;
use super::process::{Outcome, Process};

/// A panel with nothing in it but the tray.
const LAYOUT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array"><value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
  </property>
</channel>
"#;

/// Where the pointer covers nothing and raises no tooltip.
const NOWHERE: (u32, u32) = (500, 500);

/// A running xfce4-panel.
pub(crate) struct Panel {
    empty: Vec<u8>,
    last: Vec<u8>,
    _program: Process,
}

impl Panel {
    /// Starts it and waits until it takes tray icons and is drawn; before there is an icon.
    pub(crate) async fn start(desktop: &Desktop) -> Self {
        let environment = &desktop.environment;
        let folder = environment.path("config/xfce4/xfconf/xfce-perchannel-xml");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("xfce4-panel.xml"), LAYOUT).unwrap();
        environment.offer_service("org.xfce.Xfconf");
        desktop.point_at(NOWHERE).await;
        let bare = desktop.screenshot("bare").await;
        let program = Process::spawn(environment.command("xfce4-panel").arg("--disable-wm-check"));
        desktop.bus.owned("org.kde.StatusNotifierWatcher").await;
        let empty = desktop.screen_settles(&bare).await;
        Self { last: empty.clone(), empty, _program: program }
    }

    /// Waits until the icon is drawn or has changed, keeps a picture, points at it and keeps one of the tooltip.
    pub(crate) async fn picture(&mut self, desktop: &Desktop, name: &str) {
        self.last = desktop.screen_settles(&self.last).await;
        artefact::keep(&format!("{name}.png"), &self.last);
        desktop.point_at(desktop.centre_of_change(&self.empty, &self.last).await).await;
        let hovered = desktop.screen_settles(&self.last).await;
        artefact::keep(&format!("{name}-hover.png"), &hovered);
        desktop.point_at(NOWHERE).await;
        desktop.screen_settles(&hovered).await;
    }
}

/// A running dunst: draws notifications, but no buttons.
pub(crate) struct Dunst<'a> {
    desktop: &'a Desktop,
    empty: Vec<u8>,
    _program: Process,
}

impl<'a> Dunst<'a> {
    pub(crate) async fn start(desktop: &'a Desktop) -> Self {
        let program = Process::spawn(&mut desktop.environment.command("dunst"));
        desktop.bus.owned("org.freedesktop.Notifications").await;
        let empty = desktop.screenshot("empty").await;
        Self { desktop, empty, _program: program }
    }

    /// Waits until something is shown and keeps a picture.
    pub(crate) async fn picture(&self, name: &str) {
        let shown = self.desktop.screen_settles(&self.empty).await;
        artefact::keep(&format!("{name}.png"), &shown);
    }
}

impl Desktop {
    pub(crate) async fn point_at(&self, (x, y): (u32, u32)) {
        let mut command = self.environment.command("xdotool");
        command.args(["mousemove", &x.to_string(), &y.to_string()]);
        Outcome::of(command, b"").await.succeeded();
    }

    /// The whole screen as PNG.
    async fn screenshot(&self, name: &str) -> Vec<u8> {
        let file = self.environment.path(format!("{name}.png"));
        let mut command = self.environment.command("import");
        // Without the dates, equal screens are equal bytes.
        command.args(["-window", "root", "-define", "png:exclude-chunks=date,time"]).arg(&file);
        Outcome::of(command, b"").await.succeeded();
        fs::read(file).unwrap()
    }

    /// Waits until the screen differs from what it was and two looks in a row are equal.
    async fn screen_settles(&self, before: &[u8]) -> Vec<u8> {
        let mut last = Vec::new();
        eventually("the screen changes and comes to rest", async || {
            let now = self.screenshot("now").await;
            let settled = now == last && now != before;
            last = now;
            settled.then(|| last.clone())
        })
        .await
    }

    /// The middle of the rectangle in which two screens differ, in pixels.
    async fn centre_of_change(&self, before: &[u8], after: &[u8]) -> (u32, u32) {
        let (old, new) = (self.environment.path("old.png"), self.environment.path("new.png"));
        fs::write(&old, before).unwrap();
        fs::write(&new, after).unwrap();
        let mut command = self.environment.command("convert");
        command.args([&old, &new]).args([
            "-compose",
            "difference",
            "-composite",
            "-trim",
            "-format",
            "%w %h %X %Y",
            "info:",
        ]);
        let outcome = Outcome::of(command, b"").await;
        let numbers: Vec<u32> =
            outcome.succeeded().split_whitespace().map(|word| word.trim_start_matches('+').parse().unwrap()).collect();
        let [width, height, left, top] = numbers[..] else {
            panic!("not a rectangle: {outcome:?}");
        };
        (left + width / 2, top + height / 2)
    }
}
