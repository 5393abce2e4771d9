//! The commands, each in a file of its own.

mod account;
mod agent;
mod copy;
mod header;
mod history;
mod login;
mod logout;
mod open;
mod refresh;
mod status;
mod token;

use std::process::ExitCode;

use clap::Subcommand;
use evertoken_client::{Client, connect_or_start};
use evertoken_core::paths::Paths;
use evertoken_core::problem::{Problem, ProblemKind};

use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Login(login::Login),
    Token(token::Token),
    Header(header::Header),
    Copy(copy::Copy),
    Status(status::Status),
    Refresh(refresh::Refresh),
    Logout(logout::Logout),
    Account(account::Account),
    History(history::History),
    Agent(agent::Agent),
    Open(open::Open),
}

impl Command {
    /// Are errors JSON too?
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Token(token) => token.json,
            Self::Status(status) => status.json,
            Self::History(history) => history.json,
            Self::Login(_)
            | Self::Header(_)
            | Self::Copy(_)
            | Self::Refresh(_)
            | Self::Logout(_)
            | Self::Account(_)
            | Self::Agent(_)
            | Self::Open(_) => false,
        }
    }

    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Login(login) => wait_for(login.run()),
            Self::Token(token) => wait_for(token.run()),
            Self::Header(header) => wait_for(header.run()),
            Self::Copy(copy) => wait_for(copy.run()),
            Self::Status(status) => wait_for(status.run()),
            Self::Refresh(refresh) => wait_for(refresh.run()),
            Self::Logout(logout) => wait_for(logout.run()),
            Self::Account(account) => wait_for(account.run()),
            Self::History(history) => wait_for(history.run()),
            Self::Agent(agent) => agent.run(),
            Self::Open(open) => open.run(),
        }
    }
}

/// Runs a command on this thread: no other is started, which is most of why `evertoken token` is quick.
fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| {
        Problem::new(ProblemKind::Failed, format!("The system refuses to wait for events: {error}."), "Try again.")
    })?;
    runtime.block_on(command).map(|()| ExitCode::SUCCESS)
}

fn paths() -> Result<Paths, Problem> {
    Paths::from_environment(|name| std::env::var_os(name)).map_err(|error| {
        let detail = format!("Evertoken cannot run: {error}.");
        Problem::new(ProblemKind::Configuration, detail, "Usually it is HOME that is missing.")
    })
}

/// The agent, started if none runs.
async fn agent_client() -> Result<Client, Problem> {
    connect_or_start(&paths()?).await
}
