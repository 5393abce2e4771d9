//! What the kernel says about processes.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Signal, kill_process};

/// A process id.
pub(crate) type Pid = u32;

fn place(pid: Pid, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// All processes whose environment holds this variable with this value.
pub(crate) fn with_variable(name: &str, value: &str) -> Vec<Pid> {
    let wanted = format!("{name}={value}").into_bytes();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|&pid| {
            fs::read(place(pid, "environ")).is_ok_and(|bytes| bytes.split(|&byte| byte == 0).any(|pair| pair == wanted))
        })
        .collect()
}

/// Whether somebody takes connections at this socket: its file is there a moment earlier. The flag is `__SO_ACCEPTCON`.
pub(crate) fn is_listening(socket: &Path) -> bool {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let mut lines = sockets.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    lines.any(|fields| fields.get(3) == Some(&"00010000") && fields.get(7).map(Path::new) == Some(socket))
}

/// The arguments of a process, separated by spaces; empty when it has gone.
pub(crate) fn command_line(pid: Pid) -> String {
    let bytes = fs::read(place(pid, "cmdline")).unwrap_or_default();
    let words: Vec<_> = bytes.split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
    words.join(" ").trim_end().to_owned()
}

/// The variables of a process as it was started.
pub(crate) fn variables(pid: Pid) -> String {
    String::from_utf8_lossy(&fs::read(place(pid, "environ")).unwrap_or_default()).into_owned()
}

/// Whether a process still runs (a zombie does not).
pub(crate) fn is_running(pid: Pid) -> bool {
    fs::read_to_string(place(pid, "stat")).is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| !matches!(rest.trim_start().chars().next(), Some('Z' | 'X')))
    })
}

/// How long a process was on a processor (proc_pid_stat(5): fields 14 and 15, in hundredths of a second).
pub(crate) fn processor_seconds(pid: Pid) -> f64 {
    let stat = fs::read_to_string(place(pid, "stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// How often the process's threads were put on a processor since they began.
pub(crate) fn context_switches(pid: Pid) -> u64 {
    threads(pid)
        .iter()
        .flat_map(|status| status.lines())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.ends_with("voluntary_ctxt_switches").then(|| value.trim().parse::<u64>().ok())?
        })
        .sum()
}

/// The `status` of each of the process's threads.
pub(crate) fn threads(pid: Pid) -> Vec<String> {
    let threads = fs::read_dir(place(pid, "task")).unwrap();
    threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok()).collect()
}

/// Proportional set size in KiB.
pub(crate) fn proportional_set_size(pid: Pid) -> u64 {
    memory(pid, "Pss:")
}

/// What a process has for itself, in KiB: heap, stacks, what it wrote to. Unlike the proportional set size it does not
/// change when another process with the same program ends, or the program's file gets to the disk.
pub(crate) fn anonymous_memory(pid: Pid) -> u64 {
    memory(pid, "Anonymous:")
}

fn memory(pid: Pid, name: &str) -> u64 {
    let rollup = fs::read_to_string(place(pid, "smaps_rollup")).unwrap();
    rollup
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap()
}

/// The largest resident set size that a process ever had, in KiB.
pub(crate) fn peak_resident_set_size(pid: Pid) -> u64 {
    let status = fs::read_to_string(place(pid, "status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// Kills without asking.
pub(crate) fn kill(pid: Pid) {
    signal(pid, Signal::KILL);
}

/// Sends a signal; a process that has gone already is no error.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
