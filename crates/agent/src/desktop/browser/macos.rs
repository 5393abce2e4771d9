//! Launch Services.

use std::process::Command;

pub(super) fn opener(url: &str) -> Option<Command> {
    let mut command = Command::new("/usr/bin/open");
    command.arg(url);
    Some(command)
}
