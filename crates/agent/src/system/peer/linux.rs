//! The process file system.

use std::fs;
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

pub(super) fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}
