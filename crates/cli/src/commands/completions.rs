use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Powershell, Zsh};
use evertoken_client::files::read_file;
use evertoken_core::config;

use super::paths;
use crate::Arguments;
use crate::failure::Failure;

/// Set by the scripts when a shell asks what can follow.
const VARIABLE: &str = "EVERTOKEN_COMPLETE";
const NAME: &str = "evertoken";

/// Print the script that completes commands, options and account names in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Put one of these into the shell's start-up file:
  bash        source <(evertoken completions bash)
  zsh         source <(evertoken completions zsh)        after compinit
  fish        evertoken completions fish | source
  powershell  evertoken completions powershell | Out-String | Invoke-Expression")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: ShellName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShellName {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

impl ShellName {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
        }
    }
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        // By name and not by path: the script stays right when the program moves or is replaced.
        self.shell.completer().write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&script)?;
        Ok(stdout.flush()?)
    }
}

/// Answers a shell that asks what can follow; `false`: nobody asks, this is a command.
pub(crate) fn answer() -> bool {
    if std::env::var_os(VARIABLE).is_none() {
        return false;
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if completes_another_command(&arguments) {
        // Nothing of ours: the shell falls back to its own.
        return true;
    }
    let current_dir = std::env::current_dir().ok();
    let completion = CompleteEnv::with_factory(command).var(VARIABLE).completer(NAME);
    // No error is said: a shell would show it in the middle of a person's line.
    completion.try_complete(arguments, current_dir.as_deref()).unwrap_or(true)
}

/// Does the line read `evertoken exec … -- COMMAND`, or `proxy` instead of `exec`? The shells' scripts pass it on as `evertoken -- LINE`.
fn completes_another_command(arguments: &[OsString]) -> bool {
    let separator = OsStr::new("--");
    let line = arguments.iter().skip_while(|word| *word != separator).skip(1);
    let mut line = line.skip(1);
    line.next().is_some_and(|command| command == "exec" || command == "proxy") && line.any(|word| word == separator)
}

/// The command line with the account names of this person.
fn command() -> clap::Command {
    let mut command = Arguments::command();
    // The commands' arguments are there only then.
    command.build();
    with_account_names(command)
}

fn with_account_names(command: clap::Command) -> clap::Command {
    command.mut_subcommands(with_account_names).mut_args(|argument| {
        if argument.get_id() == "account" { argument.add(ArgValueCandidates::new(accounts)) } else { argument }
    })
}

/// From the configuration, so that the Tab key starts no agent and waits for none.
fn accounts() -> Vec<CompletionCandidate> {
    let text = paths().ok().and_then(|paths| read_file(&paths.config_file()).ok()).unwrap_or_default();
    let accounts = config::parse(&text).map(|configuration| configuration.accounts).unwrap_or_default();
    accounts
        .iter()
        .map(|(name, account)| {
            CompletionCandidate::new(name.as_str()).help(Some(account.server.endpoint.host().to_owned().into()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_gets_a_script_that_calls_us_by_name() {
        for shell in ShellName::value_variants() {
            let mut script = Vec::new();
            let written = shell.completer().write_registration(VARIABLE, NAME, NAME, NAME, &mut script);
            assert!(written.is_ok());
            let script = String::from_utf8_lossy(&script);
            assert!(script.contains(VARIABLE) && script.contains("evertoken"), "{shell:?}");
        }
    }

    #[test]
    fn every_command_that_takes_an_account_completes_it() {
        let command = command();
        let names =
            ["login", "token", "header", "exec", "proxy", "copy", "status", "refresh", "logout", "history", "open"];
        for name in names {
            let argument = command.find_subcommand(name).and_then(|sub| {
                sub.get_arguments().find(|argument| argument.get_id() == "account")?.get::<ArgValueCandidates>()
            });
            assert!(argument.is_some(), "{name}");
        }
    }

    #[test]
    fn what_follows_exec_is_left_to_the_shell() {
        let asks = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            completes_another_command(&words)
        };
        assert!(asks("evertoken -- evertoken exec -- cur"));
        assert!(asks("evertoken -- evertoken exec work --min-valid 1h -- curl -"));
        assert!(asks("evertoken -- evertoken proxy --allow https://api.vault.ist -- cur"));
        assert!(!asks("evertoken -- evertoken exec wo"));
        assert!(!asks("evertoken -- evertoken status -- wo"));
        assert!(!asks("evertoken"));
    }
}
