//! This process: closed to others, and how many files it may open.

/// In files: the agent's socket, standard streams, the runtime's own, names being looked up.
#[cfg(unix)]
const OWN_FILES: u64 = 64;
/// Far above what the tools of one person need. Each connection takes two files and, at most, the buffers of both.
const MOST_CONNECTIONS: usize = 400;

/// No core dump, and no look into the memory by other programs of the same person. Best effort. The limit for core
/// dumps is not touched: a command would inherit it.
pub(crate) fn protect() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "the process's memory could not be closed to other processes");
        }
    }
}

/// How many clients may be connected: the system's limit for open files is left as it is, because a command inherits
/// it.
#[cfg(unix)]
pub(crate) fn most_connections() -> usize {
    use rustix::process::{Resource, getrlimit};
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let fitting = usize::try_from(files.saturating_sub(OWN_FILES) / 2).unwrap_or(usize::MAX);
    fitting.clamp(1, MOST_CONNECTIONS)
}

/// Handles are not counted on Windows.
#[cfg(not(unix))]
pub(crate) const fn most_connections() -> usize {
    MOST_CONNECTIONS
}
