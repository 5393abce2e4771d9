use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitCode};

use clap::Args;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::TokenAnswer;
use evertoken_core::config::duration::Span;

use super::token::valid_token;
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
/// The command finds the token in VAULT_ACCESS_TOKEN. No shell is in between: signals and the exit code pass through.
/// The token is not renewed while the command runs; one that runs for long asks `evertoken token` again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken exec -- ./report.sh
  evertoken exec Production --min-valid 1h -- npm test
  evertoken exec -- sh -c 'curl -H \"Authorization: Bearer $VAULT_ACCESS_TOKEN\" https://api.vault.ist/…'

Exit codes: the command's own; 127 when it does not exist, 126 when it cannot be run; before that, as everywhere.")]
pub(crate) struct Exec {
    /// The account; may be left out when there is one account or a default
    account: Option<AccountName>,
    /// How long the token must last at least, such as 60s or 10m
    #[arg(long, value_name = "DURATION")]
    min_valid: Option<Span>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let token = block_on(self.token())??;
        let mut words = self.command.into_iter();
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words).env(VARIABLE, token.access_token);
        become_program(command).map_err(|error| not_run(&program, &error))
    }

    async fn token(&self) -> Result<TokenAnswer, Problem> {
        valid_token(&agent_client().await?, self.account.as_ref(), self.min_valid.map(Span::as_secs)).await
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
