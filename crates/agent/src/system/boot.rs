//! The run of the machine, from one start to the next.

use std::fs;

/// The kernel's name for it; empty where the system has none.
pub(crate) fn id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}
