//! `evertoken`: the command line. A client of the resident agent, and nothing else: see `README.md`.

#[cfg(target_os = "linux")]
mod at_hand;
mod client_secret;
mod commands;
#[cfg(test)]
mod config_page;
mod credential;
mod doctor;
mod failure;
mod groups;
mod memory;
mod output;
mod program;
#[cfg(test)]
mod schemas;
mod secret_arguments;
mod style;

use std::alloc::System;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};
use zeroizing_alloc::ZeroAlloc;

use crate::commands::Command;
use crate::failure::Failure;
use crate::secret_arguments::secret_among_arguments;

/// A refresh token that is typed or piped in, and tokens that are handed out, pass through here: whatever is freed is
/// wiped.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// With commit and day where `cargo xtask package` built it.
const VERSION: &str = match option_env!("EVERTOKEN_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Keeps a Vault API login alive, and hands out access tokens that are valid.
#[derive(Debug, Parser)]
#[command(name = "evertoken", version = VERSION, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    fn read() -> Result<Self, clap::Error> {
        let mut matches = groups::grouped(Self::command()).try_get_matches()?;
        Self::from_arg_matches_mut(&mut matches)
    }
}

const EXAMPLES: &str = "\
Examples:
  evertoken login                        log in: paste a refresh token
  evertoken token                        print a valid access token
  evertoken exec -- COMMAND              run a command with it in VAULT_ACCESS_TOKEN
  evertoken status                       how the login is
  evertoken doctor                       what is wrong, and what to do about it

Exit codes:
  0 done   1 failed   2 wrong usage   3 a person must log in   4 try again later   5 keychain locked";

fn main() -> ExitCode {
    if commands::answer_shell() {
        return ExitCode::SUCCESS;
    }
    #[cfg(target_os = "linux")]
    if let Some(answered) = at_hand::answer() {
        return answered;
    }
    let command = match Arguments::read() {
        Ok(Arguments { command }) => command,
        Err(usage) => {
            if let Some(problem) = secret_among_arguments() {
                return Failure::from(problem).report(false);
            }
            // Nobody is left to tell when the terminal itself is gone.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(1));
        }
    };
    let is_json = command.is_json();
    command.run().unwrap_or_else(|failure| failure.report(is_json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_consistent_and_has_help() {
        let mut command = Arguments::command();
        let listed = command.clone();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let in_list = listed.find_subcommand(sub.get_name()).and_then(clap::Command::get_about);
            assert_eq!(in_list.map(ToString::to_string), sub.get_about().map(ToString::to_string));
            assert!(sub.get_about().is_some(), "{}", sub.get_name());
            assert!(sub.get_after_help().is_some(), "{}", sub.get_name());
        }
    }

    #[test]
    fn a_secret_is_never_an_argument() {
        for line in [["evertoken", "login", "--token", "x"], ["evertoken", "login", "--refresh-token", "x"]] {
            assert!(Arguments::try_parse_from(line).is_err());
        }
        assert!(Arguments::try_parse_from(["evertoken", "login", "default", "eyJ"]).is_err());
    }
}
