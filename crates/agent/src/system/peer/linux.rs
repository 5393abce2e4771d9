//! The process file system.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;

/// The kernel marks a file that was replaced while its program runs, as an update does.
const REPLACED: &str = " (deleted)";

/// The file that a process runs.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    match path.to_str().and_then(|text| text.strip_suffix(REPLACED)) {
        Some(before) => Some(before.into()),
        None => Some(path),
    }
}

/// In `stat` (proc_pid_stat(5)), which takes the kernel half the time of `status`: behind the name in brackets, which may hold
/// anything and is short, and behind the state.
pub(super) fn parent(pid: u32) -> Option<u32> {
    let mut begin = [0; 128];
    let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut begin).ok()?;
    let after_name = begin.get(..length)?.rsplit(|&byte| byte == b')').next()?;
    str::from_utf8(after_name).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::os::unix::fs::symlink;
    use std::process::{self, Command, Stdio};

    use super::*;

    #[test]
    fn the_parent_is_found_whatever_a_program_calls_itself() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cat", ") S 1 (", "a b) R 1 1 1 1", "ü)"] {
            let program = folder.path().join(name);
            symlink("/bin/cat", &program).unwrap();
            let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            assert_eq!(parent(child.id()), Some(process::id()), "{name}");
            drop(child.stdin.take());
            child.wait().unwrap();
        }
        assert_eq!(parent(u32::MAX), None);
    }
}
