//! Opens the window, which is a program of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use evertoken_core::account::AccountName;
use tracing::warn;

use crate::system::children::keep_variables_from;

/// What the window shows first.
pub(crate) enum View<'a> {
    Overview,
    Account(&'a AccountName),
    History(&'a AccountName),
    LogIn(&'a AccountName),
}

/// Starts the window, or brings the open one to the front: it sees to being the only one. A thread does it: the disk
/// that the program lies on may hang.
pub(crate) fn open(view: View<'_>) {
    let arguments = match view {
        View::Overview => Vec::new(),
        View::Account(name) => vec!["--account".to_owned(), name.to_string()],
        View::History(name) => vec!["--account".to_owned(), name.to_string(), "--history".to_owned()],
        View::LogIn(name) => vec!["--account".to_owned(), name.to_string(), "--login".to_owned()],
    };
    std::thread::spawn(move || run(&arguments));
}

fn run(arguments: &[String]) {
    let program = program();
    let mut command = Command::new(&program);
    command.args(arguments);
    keep_variables_from(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    match command.spawn() {
        Ok(mut window) => {
            // Its end is waited for, so that it leaves no zombie.
            let _ = window.wait();
        }
        Err(error) => warn!("the window {} cannot be opened: {error}", program.display()),
    }
}

/// `EVERTOKEN_DESKTOP`, else the program beside this one, else the one on the PATH.
fn program() -> PathBuf {
    let name = format!("evertoken-desktop{}", std::env::consts::EXE_SUFFIX);
    if let Some(chosen) = std::env::var_os("EVERTOKEN_DESKTOP") {
        return chosen.into();
    }
    let beside = std::env::current_exe().ok().map(|agent| agent.with_file_name(&name));
    beside.filter(|path| path.exists()).unwrap_or_else(|| name.into())
}
