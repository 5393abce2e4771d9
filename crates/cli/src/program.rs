//! A program that takes this one's place.

use std::io;
use std::process::{Command, ExitCode};

/// This process becomes the program: signals and exit code are its own.
///
/// # Errors
/// The operating system's, when the program cannot be run.
#[cfg(unix)]
pub(crate) fn become_program(mut command: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Runs the program and ends as it does: this system cannot replace a process.
///
/// # Errors
/// The operating system's, when the program cannot be run.
#[cfg(not(unix))]
pub(crate) fn become_program(mut command: Command) -> io::Result<ExitCode> {
    // Windows' exit codes have 32 bits, and `ExitCode` has 8.
    std::process::exit(command.status()?.code().unwrap_or(1))
}
