//! The resident agent as a child of the test, with its whole log in a file.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use super::Desktop;
use super::deadline::{PATIENCE, eventually, within};
use super::process::{Outcome, Process};
use super::procfs::{self, Pid};

/// A running agent; killed when it goes.
pub(crate) struct Agent {
    process: Process,
    log: PathBuf,
}

impl Agent {
    /// Starts it and waits until its socket answers.
    pub(crate) async fn start(desktop: &Desktop) -> Self {
        let mut agent = Self::launch(desktop, &[]);
        agent.is_ready(desktop).await;
        agent
    }

    /// Starts it with this in the place of its log.
    pub(crate) async fn start_saying_to(desktop: &Desktop, said: impl Into<Stdio>) -> Self {
        let mut command = command(desktop);
        command.stderr(said);
        let mut agent = Self { process: Process::spawn(&mut command), log: desktop.environment.path("logs/none") };
        agent.is_ready(desktop).await;
        agent
    }

    /// Starts it and waits for nothing.
    pub(crate) fn launch(desktop: &Desktop, arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = desktop.environment.path(format!("logs/agent-{number}.log"));
        let file = File::create(&log).unwrap();
        let mut command = command(desktop);
        command.args(arguments).stdout(file.try_clone().unwrap()).stderr(file);
        let process = Process::spawn(&mut command);
        Self { process, log }
    }

    /// Waits until the socket answers.
    pub(crate) async fn is_ready(&mut self, desktop: &Desktop) {
        let log = self.log.clone();
        within(PATIENCE, "the agent's socket answers", async || {
            let runs = self.process.is_running();
            assert!(runs, "the agent ended: {}", fs::read_to_string(&log).unwrap_or_default());
            desktop.has_agent().await.then_some(())
        })
        .await;
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// SIGKILL: no last word, no clean-up.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, as at the end of a session.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.process.terminate().await
    }

    /// SIGTERM; returns once it is ending, which may take as long as its keychain.
    pub(crate) async fn is_told_to_end(&self) {
        procfs::signal(self.pid(), Signal::TERM);
        eventually("the agent is ending", async || self.log().contains(" ending").then_some(())).await;
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// Everything it said so far, at the most talkative level.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

fn command(desktop: &Desktop) -> Command {
    let mut command = desktop.environment.evertoken("evertoken-agent");
    command.env("EVERTOKEN_LOG", "trace");
    command
}

impl Desktop {
    /// Where the agent of this desktop listens.
    pub(crate) fn socket(&self) -> PathBuf {
        let chosen = self.environment.get("EVERTOKEN_SOCKET").map(PathBuf::from);
        chosen.unwrap_or_else(|| self.environment.path("run/evertoken/agent.sock"))
    }

    /// Whether somebody listens there.
    async fn has_agent(&self) -> bool {
        match &self.environment.wine {
            None => tokio::net::UnixStream::connect(self.socket()).await.is_ok(),
            // No Unix socket, but a pipe that only programs of Windows know. Looking must not start another agent.
            Some(_) => {
                let mut status = self.command("status --json");
                status.env("EVERTOKEN_START", "never");
                Outcome::of(status, b"").await.code == 0
            }
        }
    }
}
