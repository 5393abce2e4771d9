//! The command that the proxy runs for.

use std::io;
use std::process::{Command, ExitStatus};

use crate::signals::Signals;

/// Runs a command to its end and passes signals on; the exit code that a shell would say.
///
/// # Errors
/// The operating system's, when the command cannot be started.
pub(crate) async fn run(command: Command, signals: &mut Signals) -> io::Result<u8> {
    let mut child = tokio::process::Command::from(command).spawn()?;
    let id = child.id();
    let status = tokio::select! {
        status = child.wait() => status?,
        () = signals.pass_on(id) => child.wait().await?,
    };
    Ok(exit_code(status))
}

/// 128 and the signal's number for a command that a signal ended (POSIX, Shell Command Language, section 2.8.2).
fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().map_or(1, |code| u8::try_from(code & 0xff).unwrap_or(1))
}
