//! The memory of a process, as root sees it, and what the kernel says about its protection.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::Duration;

use super::canary::Canary;
use super::deadline::succeeds_within;
use super::procfs::Pid;

const PAGE: u64 = 4096;
/// Pages read at once.
const STRETCH: u64 = 256;
/// Pieces that cross the border between two stretches are found too.
const OVERLAP: usize = 64;

/// Looks through all memory of a process that may hold data and is there; `None` when nothing of the canary is in it.
/// Whoever runs this must be root, because the agent closes its memory to everybody else.
pub(crate) fn find(pid: Pid, canary: &Canary) -> Option<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let pages = File::open(format!("/proc/{pid}/pagemap")).unwrap();
    maps.lines().filter_map(writable).find_map(|(from, to, name)| {
        let mut last = Vec::new();
        stretches(&pages, from, to).into_iter().find_map(|(at, length)| {
            let mut bytes = vec![0; length];
            // A region that goes while it is read holds nothing any more.
            memory.read_exact_at(&mut bytes, at).ok()?;
            last.extend_from_slice(&bytes);
            let found = canary.find(&last).map(|(found, at)| {
                let around =
                    String::from_utf8_lossy(&last[at.saturating_sub(120)..last.len().min(at + 60)]).into_owned();
                format!("{found} in the memory {name} of {pid}: {around:?}")
            });
            last.drain(..last.len().saturating_sub(OVERLAP));
            found
        })
    })
}

/// Waits until the buffers of what was done last are freed, and nothing of the canary is in the memory of a process.
pub(crate) async fn is_clear(pid: Pid, canary: &Canary, bound: Duration, when: &str) {
    succeeds_within(bound, when, async || find(pid, canary).map_or(Ok(()), Err)).await;
}

/// The range and the name of a region that can be written to.
fn writable(line: &str) -> Option<(u64, u64, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let is_writable = words.next()?.starts_with("rw");
    let name = words.nth(3).unwrap_or("without a name");
    let number = |text| u64::from_str_radix(text, 16).ok();
    is_writable.then_some((number(from)?, number(to)?, name))
}

/// The parts of a region that are in memory or swapped out: reading the others would make them.
fn stretches(pages: &File, from: u64, to: u64) -> Vec<(u64, usize)> {
    /// In an entry of the page map: present, swapped.
    const THERE: u64 = 3 << 62;
    let mut stretches: Vec<(u64, usize)> = Vec::new();
    let mut at = from;
    while at < to {
        let count = ((to - at) / PAGE).min(STRETCH * 16);
        let mut entries = vec![0; count as usize * 8];
        if pages.read_exact_at(&mut entries, at / PAGE * 8).is_err() {
            return stretches;
        }
        for entry in entries.chunks_exact(8) {
            let is_there = u64::from_le_bytes(entry.try_into().unwrap()) & THERE != 0;
            match stretches.last_mut() {
                Some((start, length))
                    if is_there && *start + *length as u64 == at && *length < (STRETCH * PAGE) as usize =>
                {
                    *length += PAGE as usize;
                }
                _ if is_there => stretches.push((at, PAGE as usize)),
                _ => {}
            }
            at += PAGE;
        }
    }
    stretches
}

/// Whether the kernel lets others of the same person look into the process: its files in `/proc` belong to root then,
/// whoever runs it, and are closed to all others.
pub(crate) fn is_closed_to_others(pid: Pid) -> bool {
    let owner = fs::metadata(format!("/proc/{pid}/mem")).unwrap();
    owner.uid() == 0 && owner.mode() & 0o077 == 0
}

/// The soft and the hard limit of one resource, as the kernel writes them.
pub(crate) fn limit(pid: Pid, name: &str) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
    let mut words = line[name.len()..].split_ascii_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}
