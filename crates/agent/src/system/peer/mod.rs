//! Which program is at the other end of a connection, as the operating system tells it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use std::env::consts;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, OnceLock};

use evertoken_core::account::approval::{Caller, Program};

/// The process that opened a connection. Its program is looked up once: it stays who it is, whatever process has its number
/// later.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Absent where the system does not tell.
    pid: Option<u32>,
    caller: Arc<OnceLock<Caller>>,
}

/// `sh -c evertoken …` in a script in a script: deeper than anybody nests, and an end in any case.
const DEEPEST: usize = 8;

/// The command beside this agent. Read once: an update may replace the file while the agent runs.
static EVERTOKEN: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| Some(std::env::current_exe().ok()?.with_file_name(format!("evertoken{}", consts::EXE_SUFFIX))));

impl Peer {
    pub(crate) fn new(pid: Option<u32>) -> Self {
        Self { pid, caller: Arc::default() }
    }

    /// Who asks: the program of the process, or of the one that ran `evertoken`.
    pub(crate) fn caller(&self) -> Caller {
        self.caller.get_or_init(|| self.look_up()).clone()
    }

    fn look_up(&self) -> Caller {
        let Some(mut pid) = self.pid else { return Caller::default() };
        let mut executable = platform::executable(pid);
        for _ in 0..DEEPEST {
            if executable.is_none() || executable != *EVERTOKEN {
                break;
            }
            // The first process is nobody's program.
            let Some(parent) = platform::parent(pid).filter(|&parent| parent > 1) else { break };
            (pid, executable) = (parent, platform::executable(parent));
        }
        Caller { program: executable.as_deref().map(named), pid: Some(pid) }
    }
}

/// The program that a process runs.
#[cfg(target_os = "linux")]
pub(crate) fn program(pid: u32) -> Option<Program> {
    platform::executable(pid).as_deref().map(named)
}

/// On Windows with `/` between folders, which no name has: the backslash is for escapes.
fn named(executable: &Path) -> Program {
    let path = executable.as_os_str().as_encoded_bytes();
    if !cfg!(windows) {
        return Program::at(path);
    }
    let path: Vec<u8> = path.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    Program::at(&path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_program_is_named_by_its_file_and_not_by_what_it_says() {
        let (own, pid) = (std::env::current_exe().unwrap(), std::process::id());
        let caller = Peer::new(Some(pid)).caller();
        assert_eq!(caller.program, Some(named(&own)));
        assert_eq!(caller.pid, Some(pid), "only evertoken asks on behalf of others");
        assert_eq!(Peer::new(Some(u32::MAX)).caller().program, None);
    }
}
