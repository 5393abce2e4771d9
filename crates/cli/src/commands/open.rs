use std::io;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use evertoken_client::background::{self, Log};
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};

use super::account_argument::named;
use super::paths;
use crate::failure::Failure;

/// A window that cannot open says so at once; one that opens is not waited for any longer.
const FAILS_WITHIN: Duration = Duration::from_millis(400);

/// Open the window
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken open
  evertoken open Production --login       to log in again")]
pub(crate) struct Open {
    /// Show this account
    account: Option<AccountName>,
    /// Show its log-in
    #[arg(long)]
    login: bool,
}

impl Open {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if !has_display() {
            return Err(not_opened("there is no display here").into());
        }
        let program = std::env::var_os("EVERTOKEN_DESKTOP").filter(|program| !program.is_empty()).map(Into::into);
        let mut command = Command::new(program.unwrap_or_else(|| background::program("evertoken-desktop")));
        if let Some(account) = &named(self.account)? {
            command.args(["--account", account.as_str()]);
        }
        if self.login {
            command.arg("--login");
        }
        let log = Log::open(&paths()?.state.join("desktop.log"));
        match log.and_then(|log| Ok((start(command, &log)?, log))) {
            Ok((None, _)) => Ok(ExitCode::SUCCESS),
            Ok((Some(status), _)) if status.success() => Ok(ExitCode::SUCCESS),
            Ok((Some(status), log)) => Err(not_opened(&log.last_line().unwrap_or_else(|| status.to_string())).into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(not_opened("evertoken-desktop is neither beside evertoken nor on the PATH").into())
            }
            Err(error) => Err(not_opened(&error.to_string()).into()),
        }
    }
}

/// Can a window be shown at all? Elsewhere than on Linux there is always a display.
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Starts the window; tells how it ended when it ended at once, as it does when one is open already.
fn start(mut command: Command, log: &Log) -> io::Result<Option<ExitStatus>> {
    let mut child = background::detach_wholly(&mut command).stdout(Stdio::null()).stderr(log.stdio()?).spawn()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait()));
    receiver.recv_timeout(FAILS_WITHIN).ok().transpose()
}

fn not_opened(reason: &str) -> Problem {
    let detail = format!("The window cannot be opened: {}.", reason.trim_end_matches('.'));
    Problem::new(ProblemKind::Failed, detail, "Everything works without it too: see evertoken --help.")
}
