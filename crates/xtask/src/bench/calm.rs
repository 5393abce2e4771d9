//! What an open window costs while nobody does anything.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Line;
use crate::application::Application;
use crate::binaries::Binaries;
use crate::private_desktop::PrivateDesktop;
use crate::procfs;
use crate::sandbox::Sandbox;

/// Percent of a processor.
const BOUND: f64 = 1.0;
const COMING_TO_REST: Duration = Duration::from_secs(15);
const SPAN: Duration = Duration::from_secs(60);

/// With four accounts whose tokens live for 20 minutes, and then with four more whose tokens live for 30 seconds.
pub(super) fn measure(
    binaries: &Binaries,
    application: &Application<'_>,
    desktop: &PrivateDesktop,
) -> Result<Vec<Line>> {
    let mut sandboxes = Vec::new();
    let mut lines = Vec::new();
    for life in ["20m", "30s"] {
        let sandbox = Sandbox::start(binaries.command("evertoken-sandbox").args(["--expires-in", life]))?;
        for number in 1..=4 {
            let login = ["login", &format!("{life}-{number}"), "--endpoint", &sandbox.endpoint()];
            let (code, said) = application.ask(&login, &sandbox.sign_in()?)?;
            ensure!(code == 0, "`evertoken login` ended with {code}: {said}");
        }
        sandboxes.push(sandbox);
        let share = share(application, desktop)?;
        lines.push(Line::new(format!("calm window, four tokens of {life}"), share, "%", BOUND));
    }
    Ok(lines)
}

fn share(application: &Application<'_>, desktop: &PrivateDesktop) -> Result<f64> {
    let mut window = application.open_window()?;
    thread::sleep(COMING_TO_REST);
    let (begin, before) = (Instant::now(), spent(desktop));
    ensure!(before > Duration::ZERO, "the window does not run");
    thread::sleep(SPAN);
    let share = 100.0 * (spent(desktop) - before).as_secs_f64() / begin.elapsed().as_secs_f64();
    window.end()?;
    Ok(share)
}

/// How long the window and WebKit's processes of this desktop were on a processor.
fn spent(desktop: &PrivateDesktop) -> Duration {
    let home = desktop.path("home").display().to_string();
    let is_the_window = |id: &u32| {
        let line = procfs::command_line(*id);
        line.contains("evertoken-desktop") || line.contains("WebKit")
    };
    procfs::with_variable("HOME", &home).into_iter().filter(is_the_window).filter_map(procfs::processor_time).sum()
}
