//! What the kernel says about processes (Linux; empty elsewhere).

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

fn place(id: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{id}/{file}"))
}

/// The processes whose environment holds this variable with this value, as far as they may be looked at.
pub(crate) fn with_variable(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}").into_bytes();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&id| {
            fs::read(place(id, "environ")).is_ok_and(|bytes| bytes.split(|&byte| byte == 0).any(|pair| pair == wanted))
        })
        .collect()
}

/// Asks these processes to end; those that have gone already are no error.
#[cfg(unix)]
pub(crate) fn terminate(ids: &[u32]) {
    use rustix::process::{Pid, Signal, kill_process};
    for id in ids.iter().filter_map(|&id| Pid::from_raw(i32::try_from(id).ok()?)) {
        let _ = kill_process(id, Signal::TERM);
    }
}

/// Nothing is known of them here.
#[cfg(not(unix))]
pub(crate) fn terminate(_ids: &[u32]) {}

/// Ends a process at once.
#[cfg(unix)]
pub(crate) fn kill(id: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::KILL);
    }
}

/// Nothing is known of them here.
#[cfg(not(unix))]
pub(crate) fn kill(_id: u32) {}

/// What Ctrl-C does to the programs of a terminal.
#[cfg(unix)]
pub(crate) fn interrupt_group(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(id, Signal::INT);
    }
}

/// Nothing is known of them here.
#[cfg(not(unix))]
pub(crate) fn interrupt_group(_id: u32) {}

/// Waits until a child has ended and tells how long it and its own children were on a processor. The child is still to
/// be waited for: only until then the kernel remembers.
#[cfg(target_os = "linux")]
pub(crate) fn processor_time_at_the_end(child: u32) -> Option<Duration> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let id = Pid::from_raw(i32::try_from(child).ok()?)?;
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).ok()?;
    processor_time(child)
}

/// How long a process and its children that ended were on a processor.
pub(crate) fn processor_time(id: u32) -> Option<Duration> {
    let ticks = ticks(&fs::read_to_string(place(id, "stat")).ok()?)?;
    Some(Duration::from_millis(ticks * MILLISECONDS_OF_A_TICK))
}

/// How long a process's threads that still live were on a processor, to the nanosecond (proc(5), `schedstat`).
pub(crate) fn time_of_living_threads(id: u32) -> Option<Duration> {
    let threads = fs::read_dir(place(id, "task")).ok()?;
    let files = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    Some(Duration::from_nanos(files.filter_map(|file| file.split(' ').next()?.parse::<u64>().ok()).sum()))
}

/// What a process was started with; empty when it has gone.
pub(crate) fn command_line(id: u32) -> String {
    String::from_utf8_lossy(&fs::read(place(id, "cmdline")).unwrap_or_default()).into_owned()
}

/// Nothing is known of it here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_time_at_the_end(_child: u32) -> Option<Duration> {
    None
}

/// What the kernel counts in for programs, on every machine.
const MILLISECONDS_OF_A_TICK: u64 = 10;

/// Of a line of `stat`: the time of the process and of the children that it waited for, in user space and in the kernel
/// (proc_pid_stat(5): fields 14 to 17; the second, the name, may hold spaces and brackets).
fn ticks(stat: &str) -> Option<u64> {
    const AFTER_THE_NAME: usize = 3;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<u64> =
        rest.split(' ').skip(14 - AFTER_THE_NAME).take(4).filter_map(|field| field.parse().ok()).collect();
    (fields.len() == 4).then(|| fields.iter().sum())
}

/// A process's memory in KiB (proc(5), `smaps_rollup`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What it shares is counted in parts.
    pub(crate) proportional: u64,
    /// What it has written to, and no other process has.
    pub(crate) private_dirty: u64,
}

/// The agent forbids others to look into its memory, so this is for root.
pub(crate) fn memory(id: u32) -> Result<Memory> {
    let rollup = fs::read_to_string(place(id, "smaps_rollup"))
        .context("the agent's memory cannot be looked at: run the measurement as root")?;
    memory_of(&rollup).context("the kernel does not tell how much memory the agent has")
}

fn memory_of(rollup: &str) -> Option<Memory> {
    Some(Memory { proportional: field(rollup, "Pss:")?, private_dirty: field(rollup, "Private_Dirty:")? })
}

/// Resident set size in KiB.
pub(crate) fn resident_set_size(id: u32) -> Result<u64> {
    let status = fs::read_to_string(place(id, "status")).context("the process has gone")?;
    field(&status, "VmRSS:").context("the kernel does not tell the resident set size")
}

/// How often the process's threads were put on a processor since they began.
pub(crate) fn context_switches(id: u32) -> Result<u64> {
    let threads = fs::read_dir(place(id, "task")).context("the agent has gone")?;
    let statuses = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    Ok(statuses.map(|status| switches(&status)).sum())
}

fn switches(status: &str) -> u64 {
    ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"].iter().filter_map(|name| field(status, name)).sum()
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(switches(status), 7);
        #[cfg(target_os = "linux")]
        assert_eq!(ticks("7 (a b) c) S 1 7 7 0 -1 4194560 90 0 1 0 100 20 3 4 20 0 9 0 5"), Some(127));
        let rollup = "Rss:  9 kB\nPss:              6720 kB\nPss_Dirty: 1 kB\nPrivate_Dirty:   1200 kB\n";
        assert_eq!(memory_of(rollup), Some(Memory { proportional: 6720, private_dirty: 1200 }));
    }
}
