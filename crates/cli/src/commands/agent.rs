mod stop;

use std::process::{Command, ExitCode};

use clap::{Args, Subcommand};
use evertoken_client::{agent_program, environment};
use evertoken_core::api::problem::{Problem, ProblemKind};

use crate::failure::Failure;
use crate::program::become_program;

/// Run the resident agent in the foreground, or stop it
///
/// For systemd, autostart and debugging; other commands start it in the background by themselves.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken agent
  EVERTOKEN_LOG=debug evertoken agent --no-tray
  evertoken agent stop")]
pub(crate) struct Agent {
    #[command(subcommand)]
    action: Option<Action>,
    /// No icon in the tray
    #[arg(long)]
    no_tray: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Stop the agent that runs; the next command starts it again
    ///
    /// A running refresh is finished first. Tokens are not refreshed while no agent is running.
    #[command(after_help = "\
Example:
  evertoken agent stop")]
    Stop,
}

impl Agent {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.action {
            Some(Action::Stop) => super::wait_for(stop::stop()),
            None => run_in_foreground(self.no_tray),
        }
    }
}

fn run_in_foreground(no_tray: bool) -> Result<ExitCode, Failure> {
    let mut command = Command::new(agent_program());
    for name in ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
        if let Some(value) = environment::variable(name) {
            command.env(name, value);
        }
    }
    if no_tray {
        command.arg("--no-tray");
    }
    let error = match become_program(command) {
        Ok(code) => return Ok(code),
        Err(error) => error,
    };
    let detail = format!("The program evertoken-agent cannot be run: {error}.");
    Err(Problem::new(ProblemKind::AgentUnavailable, detail, "Install it beside evertoken, or on the PATH.").into())
}
