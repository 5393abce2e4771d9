//! A real panel and a real notification daemon, for pictures.

use std::fs;
use std::process::Command;

use super::Desktop;
use super::artefact;
use super::environment::Environment;
use super::process::Process;
use super::screen::NOWHERE;

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

/// The same for waybar.
const WAYBAR: &str =
    r#"{ "layer": "top", "height": 32, "modules-right": ["tray"], "tray": { "icon-size": 22, "spacing": 8 } }"#;

/// The same for LXQt.
const LXQT: &str = "[General]
__userfile__=true
panels=panel1

[panel1]
position=Top
panelSize=32
plugins=statusnotifier
animation-duration=0
lockPanel=true

[statusnotifier]
type=statusnotifier
alignment=Right
";
/// Without a theme it draws nothing.
const LXQT_THEME: &str = "[General]\ntheme=light\n";

/// A panel of this name, with its layout.
pub(super) fn command(environment: &Environment, panel: &str) -> Command {
    let files: &[(&str, &str)] = match panel {
        "waybar" => &[("waybar/config", WAYBAR)],
        "lxqt-panel" => &[("lxqt/panel.conf", LXQT), ("lxqt/lxqt.conf", LXQT_THEME)],
        _ => &[("xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml", LAYOUT)],
    };
    for (place, text) in files {
        let file = environment.path("config").join(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    install_icons(environment);
    let mut command = environment.command(panel);
    command.args((panel == "xfce4-panel").then_some("--disable-wm-check"));
    command
}

/// The icons that a panel gives its own colour, as the package installs them.
fn install_icons(environment: &Environment) {
    let theme = environment.path("data/icons/hicolor/symbolic/apps");
    fs::create_dir_all(&theme).unwrap();
    for icon in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../icons/symbolic")).unwrap() {
        let icon = icon.unwrap();
        fs::copy(icon.path(), theme.join(icon.file_name())).unwrap();
    }
}

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
        environment.offer_service("org.xfce.Xfconf");
        desktop.point_at(NOWHERE).await;
        let bare = desktop.screenshot("bare").await;
        let program = Process::spawn(&mut command(environment, "xfce4-panel"));
        desktop.bus.owned("org.kde.StatusNotifierWatcher").await;
        let empty = desktop.screen_settles(&bare).await;
        Self { last: empty.clone(), empty, _program: program }
    }

    /// Waits until the icon is drawn or has changed, keeps a picture, points at it and keeps one of the tooltip.
    pub(crate) async fn picture(&mut self, desktop: &Desktop, name: &str) {
        self.last = desktop.screen_settles(&self.last).await;
        artefact::keep(&format!("{name}.png"), &self.last);
        let icon = desktop.change_below(0, &self.empty, &self.last).await.unwrap();
        desktop.point_at(icon.centre()).await;
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
