//! macOS and Windows, as sysinfo asks them. Not yet run on macOS.

use evertoken_core::account::approval::Program;
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// The file that a process runs.
pub(super) fn program(pid: u32) -> Option<Program> {
    ask(pid, |process| Some(Program::at(process.exe()?.as_os_str().as_encoded_bytes())))
}

/// The parent of a process that runs the `evertoken` beside this agent.
pub(super) fn parent_if_evertoken(pid: u32) -> Option<u32> {
    let agent = std::env::current_exe().ok()?;
    let evertoken = agent.with_file_name(format!("evertoken{}", std::env::consts::EXE_SUFFIX));
    ask(pid, |process| (process.exe()? == evertoken).then(|| process.parent()).flatten()).map(Pid::as_u32)
}

fn ask<T>(pid: u32, question: impl FnOnce(&Process) -> Option<T>) -> Option<T> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let what = ProcessRefreshKind::nothing().with_exe(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    question(system.process(pid)?)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_program_is_named_by_its_file() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(program(std::process::id()).unwrap().as_str(), own.to_str().unwrap());
        assert_eq!(program(u32::MAX), None);
        assert_eq!(parent_if_evertoken(std::process::id()), None);
    }
}
