//! The commands, each in a file of its own.

mod access;
mod account;
mod account_argument;
mod agent;
mod approve;
mod completions;
mod copy;
mod doctor;
mod exec;
mod header;
mod history;
mod login;
mod logout;
mod man;
mod open;
mod proxy;
mod refresh;
mod sign_in;
mod status;
mod token;
mod valid_token;
mod whoami;

use std::process::ExitCode;

use clap::Subcommand;
use evertoken_client::{Client, connect_or_start, environment};
#[cfg(target_os = "linux")]
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
#[cfg(target_os = "linux")]
use evertoken_core::api::requests::TokenAnswer;
use evertoken_core::config::paths::Paths;

use crate::failure::Failure;

pub(crate) use completions::answer as answer_shell;
#[cfg(test)]
pub(crate) use {
    account::{Accounts, Removed},
    doctor::Report,
    token::Inspected,
    whoami::Identity,
};
#[cfg(target_os = "linux")]
pub(crate) use {account_argument::named as account_named, valid_token::refresh_may_help};

/// The lines here are what the list of commands shows; the rest of a command's help is read when it is wanted, so that
/// `evertoken token` does not pay for the others.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Log in with a refresh token, a browser, a code on another device, or a command of your own
    Login(Box<login::Login>),
    /// Print a valid access token
    Token(token::Token),
    /// Print an Authorization header with a valid access token
    Header(header::Header),
    /// Run a command with a valid access token in its environment
    Exec(exec::Exec),
    /// Give a tool the API without the token: a proxy on this machine that adds it
    Proxy(proxy::Proxy),
    /// Put the access token on the clipboard
    Copy(copy::Copy),
    /// Show how the accounts are: state, time to expiry, next refresh, last error
    Status(status::Status),
    /// Refresh now, and wait for the outcome
    Refresh(refresh::Refresh),
    /// Forget an account's tokens
    Logout(logout::Logout),
    /// Manage accounts
    Account(account::Account),
    /// Show whose login it is: the user, the account and the server
    #[command(name = "whoami")]
    WhoAmI(whoami::WhoAmI),
    /// Show what happened to a login: the rotation journal, the newest entry last
    History(history::History),
    /// Show which programs asked for access tokens
    Access(access::Access),
    /// Allow a program that wants access tokens, or deny it
    Approve(approve::Approve),
    /// Check everything Evertoken depends on, and say what to do about each finding
    Doctor(doctor::Doctor),
    /// Run the resident agent in the foreground, or stop it
    Agent(agent::Agent),
    /// Open the window
    Open(open::Open),
    /// Print the script that completes commands, options and account names in a shell
    Completions(completions::Completions),
    /// Print a manual page
    Man(man::Man),
}

impl Command {
    /// Are errors JSON too?
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Login(login) => login.json,
            Self::Token(token) => token.json,
            Self::Proxy(proxy) => proxy.json,
            Self::Copy(copy) => copy.json,
            Self::Status(status) => status.json,
            Self::Refresh(refresh) => refresh.json,
            Self::Logout(logout) => logout.json,
            Self::Account(account) => account.json,
            Self::WhoAmI(whoami) => whoami.json,
            Self::History(history) => history.json,
            Self::Access(access) => access.json,
            Self::Approve(approve) => approve.json,
            Self::Doctor(doctor) => doctor.json,
            Self::Header(_) | Self::Exec(_) | Self::Agent(_) | Self::Open(_) | Self::Completions(_) | Self::Man(_) => {
                false
            }
        }
    }

    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Login(login) => wait_for(login.run()),
            Self::Token(token) => wait_for(token.run()),
            Self::Header(header) => wait_for(header.run()),
            Self::Exec(exec) => exec.run(),
            Self::Proxy(proxy) => block_on(proxy.run())?,
            Self::Copy(copy) => wait_for(copy.run()),
            Self::Status(status) => block_on(status.run())?,
            Self::Refresh(refresh) => wait_for(refresh.run()),
            Self::Logout(logout) => wait_for(logout.run()),
            Self::Account(account) => wait_for(account.run()),
            Self::WhoAmI(whoami) => wait_for(whoami.run()),
            Self::History(history) => wait_for(history.run()),
            Self::Access(access) => wait_for(access.run()),
            Self::Approve(approve) => wait_for(approve.run()),
            Self::Doctor(doctor) => block_on(doctor.run())?,
            Self::Agent(agent) => agent.run(),
            Self::Open(open) => open.run(),
            Self::Completions(completions) => done(completions.run()),
            Self::Man(man) => done(man.run()),
        }
    }
}

fn wait_for(command: impl Future<Output = Result<(), Failure>>) -> Result<ExitCode, Failure> {
    done(block_on(command)?)
}

fn done(outcome: Result<(), Failure>) -> Result<ExitCode, Failure> {
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Runs on this thread: no other is started, which is most of why `evertoken token` is quick.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| {
        Problem::new(ProblemKind::Failed, format!("The async runtime could not be started: {error}."), "Try again.")
    })?;
    Ok(runtime.block_on(future))
}

fn paths() -> Result<Paths, Problem> {
    environment::client_paths().map_err(|error| {
        let detail = format!("Evertoken cannot run: {error}.");
        Problem::new(ProblemKind::Configuration, detail, "Usually it is HOME that is missing.")
    })
}

/// What follows when the agent has said that it has no token that lasts.
#[cfg(target_os = "linux")]
pub(crate) fn token_after_refresh(account: Option<&AccountName>) -> Result<TokenAnswer, Problem> {
    block_on(async {
        let client = agent_client().await?;
        valid_token::refreshed(&client, account, None, || client.token(account, None)).await
    })?
}

/// The agent, started if none runs.
async fn agent_client() -> Result<Client, Problem> {
    connect_or_start(&paths()?).await
}
