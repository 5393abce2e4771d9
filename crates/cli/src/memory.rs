//! Keeps a secret that is typed or piped in from core dumps and from other programs of the same person.

/// No core dump holds this process's memory, and no other program of the person reads it. Best effort: a system that
/// refuses keeps nobody from logging in.
#[cfg(unix)]
pub(crate) fn protect() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Windows writes no dump of a process by itself.
#[cfg(not(unix))]
pub(crate) const fn protect() {}
