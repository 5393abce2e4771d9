//! sway, whose screen is the window of an X server without a monitor: that gives it a pointer.

use std::fs;
use std::process::Command;

use super::Desktop;
use super::deadline::eventually;
use super::environment::Environment;
use super::process::{Outcome, Process};
use super::procfs;

const CONFIGURATION: &str = "output X11-1 resolution 1024x768\nxwayland disable\ndefault_border none\n";

/// Starts it on an X server and waits for its sockets, which are set for everything that is started afterwards.
pub(super) async fn start(environment: &mut Environment, server: &str) -> Process {
    let configuration = environment.path("config/sway.conf");
    fs::write(&configuration, CONFIGURATION).unwrap();
    let socket = environment.path("run/sway.sock");
    environment.set("SWAYSOCK", &socket.display().to_string());
    let mut command = match rustix::process::geteuid().is_root() {
        // sway refuses to run as root. What it takes for another user is root outside.
        true => {
            let mut command = environment.command("unshare");
            command.args(["--user", "--map-user=1000", "--map-group=1000", "sway"]);
            command
        }
        false => environment.command("sway"),
    };
    command.arg("--config").arg(configuration);
    command.envs([("WLR_BACKENDS", "x11"), ("WLR_RENDERER", "pixman"), ("DISPLAY", server)]);
    let process = Process::spawn(&mut command);
    let display = eventually("sway listens", async || {
        let names = fs::read_dir(environment.path("run")).unwrap().flatten().map(|entry| entry.file_name());
        let mut displays = names.filter_map(|name| name.into_string().ok()).filter(|name| is_display(name));
        displays.next().filter(|_| procfs::is_listening(&socket))
    })
    .await;
    environment.set("WAYLAND_DISPLAY", &display);
    environment.set("XDG_CURRENT_DESKTOP", "sway");
    process
}

fn is_display(name: &str) -> bool {
    name.starts_with("wayland-") && !name.ends_with(".lock")
}

impl Desktop {
    pub(super) fn is_sway(&self) -> bool {
        self.environment.get("SWAYSOCK").is_some()
    }

    /// The titles of our windows.
    pub(super) async fn windows_of_sway(&self) -> Vec<String> {
        let tree = Outcome::of(self.swaymsg(&["-t", "get_tree"]), b"").await;
        let titles = tree.succeeded().lines().filter_map(|line| line.trim().strip_prefix("\"name\": \"Evertoken"));
        titles.map(str::to_owned).collect()
    }

    /// Closes them, as the key that sway has for it does.
    pub(super) async fn close_windows_of_sway(&self) {
        Outcome::of(self.swaymsg(&["[title=\"^Evertoken\"] kill"]), b"").await.succeeded();
    }

    fn swaymsg(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.command("swaymsg");
        command.args(arguments);
        command
    }
}
