//! The shell's handler of web addresses, without a command line in between that would read `&`.

use std::process::Command;

pub(super) fn opener(url: &str) -> Option<Command> {
    let mut command = Command::new("rundll32.exe");
    command.args(["url.dll,FileProtocolHandler", url]);
    Some(command)
}
