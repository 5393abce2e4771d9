use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitCode};

use clap::Args;
use evertoken_core::account::{AccountName, InvalidAccountName};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::TokenAnswer;

use super::account_argument::named;
use super::valid_token::Validity;
use super::{agent_client, block_on};
use crate::failure::Failure;
use crate::output::plain;
use crate::program::become_program;

/// Where the command finds the access token.
const VARIABLE: &str = "VAULT_ACCESS_TOKEN";
/// What shells answer for a command that does not exist (POSIX, Shell Command Language, section 2.8.2).
const NOT_FOUND: u8 = 127;
/// What shells answer for a command that exists and cannot be run.
const NOT_EXECUTABLE: u8 = 126;

/// Run a command with a valid access token in its environment
///
/// The command finds the token in VAULT_ACCESS_TOKEN, or in the variable that --env names. No shell is involved: signals
/// and the exit code pass through. The token is not renewed while the command runs; a command that runs for long asks
/// `evertoken token` again.
#[derive(Debug, Args)]
#[command(
    override_usage = "evertoken exec [OPTIONS] [ACCOUNT] -- <COMMAND>...",
    after_help = "\
Examples:
  evertoken exec -- ./report.sh
  evertoken exec Production --min-valid 1h -- npm test
  evertoken exec --env API_TOKEN -- ./report.sh
  evertoken exec -- sh -c \\
    'echo \"Authorization: Bearer $VAULT_ACCESS_TOKEN\" | curl -H @- https://api.vault.ist/v2.0/user/info'

Exit codes: the command's own; 127 when it does not exist, 126 when it cannot be run; before that, as everywhere."
)]
pub(crate) struct Exec {
    /// The account; without it: EVERTOKEN_ACCOUNT, the default account, or the only one
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,
    /// A command before which the `--` was forgotten
    #[arg(hide = true, allow_hyphen_values = true)]
    stray: Vec<String>,
    #[command(flatten)]
    validity: Validity,
    /// The environment variable that holds the token
    #[arg(long, value_name = "NAME", default_value = VARIABLE, value_parser = variable)]
    env: String,
    /// The command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let account = self.account()?;
        let token = block_on(self.token(account))??;
        let mut words = self.command.into_iter();
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).env(self.env, token.access_token);
        become_program(command).map_err(|error| not_run(&program, &error))
    }

    /// The account, once it is clear what the command is.
    fn account(&self) -> Result<Option<AccountName>, Problem> {
        let usage = |detail: &str, advice: String| Err(Problem::new(ProblemKind::InvalidInput, detail, advice));
        if self.stray.is_empty() && !self.command.is_empty() {
            let account = self.account.as_deref().map(str::parse).transpose();
            let invalid = |error: InvalidAccountName| {
                Problem::new(
                    ProblemKind::InvalidInput,
                    format!("{error}."),
                    "Name an account, then -- and the command.",
                )
            };
            return named(account.map_err(invalid)?);
        }
        let words: Vec<&str> = self.account.iter().chain(&self.stray).map(String::as_str).collect();
        if words.is_empty() || !self.command.is_empty() {
            return usage("No command was given.", "Put it after --: evertoken exec -- COMMAND".to_owned());
        }
        let words = plain(&words.join(" "));
        usage("It is not clear what the command is.", format!("Put -- before the command: evertoken exec -- {words}"))
    }

    async fn token(&self, account: Option<AccountName>) -> Result<TokenAnswer, Problem> {
        self.validity.token(&agent_client().await?, account.as_ref()).await
    }
}

/// A name that shells can use too (POSIX, Base Definitions, section 8.1).
fn variable(name: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        Ok(name.to_owned())
    } else {
        Err("use letters, digits and _, such as VAULT_ACCESS_TOKEN")
    }
}

/// Says why a command cannot be run, with a shell's exit code.
pub(super) fn not_run(program: &OsStr, error: &io::Error) -> Failure {
    let program = plain(&program.to_string_lossy());
    let (detail, advice, code) = if error.kind() == io::ErrorKind::NotFound {
        let detail = format!("The command {program:?} is not found.");
        (detail, "Check its spelling and the PATH; shell built-ins and aliases need a shell: sh -c '…'.", NOT_FOUND)
    } else {
        // The kind reads as a sentence; the error itself ends in a number.
        let detail = format!("The command {program:?} cannot be run: {}.", error.kind());
        (detail, "Check that it is a program and that you may execute it.", NOT_EXECUTABLE)
    };
    Failure::NotRun { problem: Problem::new(ProblemKind::Failed, detail, advice), code }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(error: io::ErrorKind) -> u8 {
        match not_run(OsStr::new("x"), &error.into()) {
            Failure::NotRun { code, .. } => code,
            Failure::Problem(_) | Failure::ReaderGone => 0,
        }
    }

    #[test]
    fn a_command_that_cannot_be_run_ends_as_in_a_shell() {
        assert_eq!(code_of(io::ErrorKind::NotFound), 127);
        assert_eq!(code_of(io::ErrorKind::PermissionDenied), 126);
        assert_eq!(code_of(io::ErrorKind::ArgumentListTooLong), 126);
    }
}
