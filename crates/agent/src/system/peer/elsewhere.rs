//! macOS and Windows, as sysinfo asks them. Run under Wine, not yet on macOS.

use std::path::PathBuf;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The file that a process runs.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    ask(pid, |process| process.exe().map(PathBuf::from))
}

pub(super) fn parent(pid: u32) -> Option<u32> {
    ask(pid, Process::parent).map(Pid::as_u32)
}

fn ask<T>(pid: u32, question: impl FnOnce(&Process) -> Option<T>) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    question(system.process(pid)?)
}
