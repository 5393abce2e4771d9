//! The application's programs in one environment: agent, window, status lines.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::binaries::Binaries;
use crate::procfs;
use crate::program::Program;

/// Marks every program of one task, also those that its programs start.
const MARK: &str = "EVERTOKEN_XTASK";
/// How long the marked programs may take to end.
const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(50);

/// The application. When it goes, every program goes that was started in it.
#[derive(Debug)]
pub(crate) struct Application<'a> {
    binaries: &'a Binaries,
    variables: Vec<(&'static str, OsString)>,
}

impl<'a> Application<'a> {
    /// In the person's environment, changed by these variables.
    pub(crate) fn new(binaries: &'a Binaries, mut variables: Vec<(&'static str, OsString)>) -> Self {
        variables.push((MARK, std::process::id().to_string().into()));
        Self { binaries, variables }
    }

    /// One of its programs.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = self.binaries.command(name);
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    /// Starts the agent and waits until its socket listens.
    pub(crate) fn start_agent(&self) -> Result<Program> {
        let mut command = self.command("evertoken-agent");
        command.arg("--announce-ready");
        Ok(Program::start_until_line(&mut command, |line| (line == "ready").then_some(()))?.0)
    }

    /// Opens the window.
    pub(crate) fn open_window(&self) -> Result<Program> {
        Program::start(&mut self.command("evertoken-desktop"))
    }

    /// Prints a line for each change.
    pub(crate) fn watch_status(&self) -> Result<Program> {
        Program::start(self.command("evertoken").args(["status", "--watch"]))
    }

    /// Waits for a command of `evertoken` and gives its exit code and what it said as an error.
    pub(crate) fn ask(&self, arguments: &[&str], input: &str) -> Result<(i32, String)> {
        use std::io::Write as _;
        let mut child = self
            .command("evertoken")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start evertoken")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that fails before it reads closes the pipe; its own words say why.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        Ok((output.status.code().unwrap_or(-1), said))
    }
}

impl Drop for Application<'_> {
    fn drop(&mut self) {
        let mark = std::process::id().to_string();
        let start = Instant::now();
        loop {
            let left = procfs::with_variable(MARK, &mark);
            if left.is_empty() || start.elapsed() > PATIENCE {
                break;
            }
            procfs::terminate(&left);
            thread::sleep(GLANCE);
        }
    }
}

/// Is there a screen to show a window on?
pub(crate) fn has_display() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}
