//! Keeps the tokens in this process's memory from other processes of the same person.

/// No core dumps, no tracing by other processes of the same person, and files that only the person can read.
///
/// Best effort: what the system refuses is logged, and the agent runs on. On Linux the entries of `/proc/PID`
/// belong to root from then on, and `ptrace` needs `CAP_SYS_PTRACE`.
pub fn protect_process() {
    #[cfg(unix)]
    unix::protect();
}

#[cfg(unix)]
mod unix {
    use rustix::fs::Mode;
    use rustix::process::{Resource, Rlimit, setrlimit, umask};

    pub(super) fn protect() {
        umask(Mode::RWXG | Mode::RWXO);
        if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
            tracing::warn!(%error, "core dumps could not be switched off");
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{DumpableBehavior, set_dumpable_behavior};
            if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
                tracing::warn!(%error, "the process's memory could not be closed to other processes");
            }
        }
    }
}
