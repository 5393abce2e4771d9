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

/// Starts the window, or brings the open one to the front: it sees to being the only one.
pub(crate) fn open(view: View<'_>) {
    let program = program();
    let mut command = Command::new(&program);
    match view {
        View::Overview => &mut command,
        View::Account(name) => command.args(["--account", name.as_str()]),
        View::History(name) => command.args(["--account", name.as_str(), "--history"]),
        View::LogIn(name) => command.args(["--account", name.as_str(), "--login"]),
    };
    keep_variables_from(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    match command.spawn() {
        Ok(mut window) => {
            // Its end is waited for, so that it leaves no zombie.
            std::thread::spawn(move || window.wait());
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
