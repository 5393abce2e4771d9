//! The process file system.

use std::fs;
use std::path::PathBuf;

use evertoken_core::account::approval::Program;

/// The kernel marks a file that was replaced while its program runs, as an update does.
const REPLACED: &str = " (deleted)";

/// The file that a process runs.
pub(crate) fn program(pid: u32) -> Option<Program> {
    Some(Program::at(executable(pid)?.as_os_str().as_encoded_bytes()))
}

/// The parent of a process that runs the `evertoken` beside this agent.
pub(super) fn parent_if_evertoken(pid: u32) -> Option<u32> {
    let agent = std::env::current_exe().ok()?;
    let is_evertoken = executable(pid)? == agent.with_file_name("evertoken");
    // The first process is nobody's program.
    is_evertoken.then(|| parent_of(pid)).flatten().filter(|&parent| parent > 1)
}

fn executable(pid: u32) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    match path.to_str().and_then(|text| text.strip_suffix(REPLACED)) {
        Some(before) => Some(before.into()),
        None => Some(path),
    }
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_program_is_named_by_its_file_and_not_by_what_it_says() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(program(std::process::id()).unwrap().as_str(), own.to_str().unwrap());
        assert_eq!(program(u32::MAX), None);
    }

    #[test]
    fn only_evertoken_asks_on_behalf_of_somebody_else() {
        assert_eq!(parent_if_evertoken(std::process::id()), None);
    }
}
