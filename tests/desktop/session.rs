//! The real desktops of Debian: window manager, panel and notification daemon as people have them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Desktop;
use super::effort::note;
use super::panel;
use super::process::Process;
use super::screen::{Area, Button, NOWHERE, Point};

/// The programs of a desktop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    /// What its pictures begin with.
    pub(crate) name: &'static str,
    /// The window manager.
    manager: &'static str,
    panel: &'static str,
    /// The notification daemon, or the D-Bus service that names it.
    daemon: &'static str,
    /// From the middle of the icon down to the first entry of its menu.
    pub(crate) to_first_entry: u32,
    /// How a person chooses a notification's action: where they click, and with what.
    pub(crate) chooses: (fn(Area) -> Point, Button),
}

const NOTIFYD: &str = "org.xfce.xfce4-notifyd.Notifications";

impl Parts {
    pub(crate) const XFCE_DUNST: Self = Self {
        name: "xfce4-dunst",
        manager: "xfwm4",
        panel: "xfce4-panel",
        daemon: "dunst",
        to_first_entry: 34,
        // Its left click only closes.
        chooses: (Area::centre, Button::Middle),
    };
    pub(crate) const XFCE_NOTIFYD: Self =
        Self { name: "xfce4-notifyd", daemon: NOTIFYD, chooses: (button, Button::Left), ..Self::XFCE_DUNST };
    pub(crate) const SWAY: Self = Self {
        name: "sway",
        manager: "sway",
        panel: "waybar",
        daemon: "mako",
        to_first_entry: 14,
        chooses: (Area::centre, Button::Left),
    };
    pub(crate) const LXQT: Self = Self {
        name: "lxqt",
        manager: "openbox",
        panel: "lxqt-panel",
        daemon: "lxqt-notificationd",
        to_first_entry: 34,
        chooses: (Area::centre, Button::Left),
    };

    /// Whether all of it is installed; what is not is said.
    pub(crate) fn are_here(self) -> bool {
        let programs = [PathBuf::from(self.manager), self.panel.into(), daemon(self.daemon)];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_here = |program: &PathBuf| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
        let missing: Vec<_> = programs.iter().filter(|program| !is_here(program)).collect();
        if !missing.is_empty() {
            note(&format!("{}: skipped, because this is not installed: {missing:?}", self.name));
        }
        missing.is_empty()
    }
}

/// Where xfce4-notifyd has the only button of a notification.
fn button(Area { width, height, left, top }: Area) -> Point {
    (left + width - 72, top + height - 30)
}

/// The program of a notification daemon.
fn daemon(name: &str) -> PathBuf {
    let service = Path::new("/usr/share/dbus-1/services").join(format!("{name}.service"));
    let text = fs::read_to_string(service).unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap_or(name).into()
}

/// A desktop that has come up, before there is an icon.
pub(crate) struct Session {
    pub(crate) desktop: Desktop,
    /// What it looks like.
    pub(crate) bare: Vec<u8>,
    /// Panel and daemon.
    pub(crate) programs: [Process; 2],
}

impl Session {
    pub(crate) async fn start(parts: Parts) -> Self {
        let desktop = match parts.manager {
            "sway" => Desktop::on_sway().await,
            manager => Desktop::with_manager(manager).await,
        };
        let environment = &desktop.environment;
        environment.offer_service("org.xfce.Xfconf");
        desktop.point_at(NOWHERE).await;
        let empty = desktop.screenshot("empty").await;
        let daemon = Process::spawn(&mut environment.command(daemon(parts.daemon)));
        desktop.bus.owned("org.freedesktop.Notifications").await;
        let panel = Process::spawn(&mut panel::command(environment, parts.panel));
        desktop.bus.owned("org.kde.StatusNotifierWatcher").await;
        let bare = desktop.screen_settles(&empty).await;
        Self { desktop, bare, programs: [daemon, panel] }
    }
}
