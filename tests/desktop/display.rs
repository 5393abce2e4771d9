//! A private X server.

use std::sync::atomic::{AtomicU32, Ordering};

use super::deadline::eventually;
use super::environment::Environment;
use super::process::{Outcome, Process};
use super::sway;

/// What every screen here looks like: true colour, no network, no cursor blinking into screenshots.
const SCREEN: [&str; 7] = ["-screen", "0", "1024x768x24", "-nolisten", "tcp", "-noreset", "-ac"];

/// A running X server without a monitor, with a window manager.
pub(crate) struct Display {
    name: String,
    _manager: Process,
    server: Process,
}

impl Display {
    /// Starts a server that picks a free number itself, with this window manager.
    pub(crate) fn start_with(environment: &Environment, manager: &str) -> Self {
        let (server, name) = Self::server(environment);
        Self::managed(environment, name, server, manager)
    }

    /// Starts the server that [`Display::promise`] named.
    pub(crate) async fn start_as(environment: &Environment, name: &str) -> Self {
        let server = Process::spawn(environment.command("Xvfb").arg(name).args(SCREEN));
        eventually("the X server answers", async || {
            let mut question = environment.command("xdpyinfo");
            question.args(["-display", name]);
            (Outcome::of(question, b"").await.code == 0).then_some(())
        })
        .await;
        Self::managed(environment, name.to_owned(), server, "openbox")
    }

    fn managed(environment: &Environment, name: String, server: Process, manager: &str) -> Self {
        let mut command = environment.command(manager);
        let manager = Process::spawn(command.env("DISPLAY", &name));
        Self { name, _manager: manager, server }
    }

    /// Starts a server whose only window is sway.
    pub(crate) async fn of_sway(environment: &mut Environment) -> Self {
        let (server, name) = Self::server(environment);
        let manager = sway::start(environment, &name).await;
        Self { name, _manager: manager, server }
    }

    fn server(environment: &Environment) -> (Process, String) {
        let mut command = environment.command("Xvfb");
        command.args(["-displayfd", "1"]).args(SCREEN);
        let (server, number) = Process::spawn_until_line(&mut command, |line| line.parse::<u32>().ok());
        (server, format!(":{number}"))
    }

    /// The name of a server that does not run yet: far above the numbers that servers pick themselves.
    pub(crate) fn promise() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = 1_000 + (std::process::id() % 1_000) * 50 + NEXT.fetch_add(1, Ordering::Relaxed);
        format!(":{number}")
    }

    /// The value of `DISPLAY`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.quit();
    }
}
