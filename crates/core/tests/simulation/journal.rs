//! The journal's file on a disk that fills up, tears lines and forgets what was not synced.

use evertoken_core::login::journal::{Entry, Record, Summary, parse, summarize, was_presented};
use evertoken_core::oauth::token::Fingerprint;
use jiff::Timestamp;

use super::random::Random;

/// So many moot lines stay: each job reads the journal anew.
const MOST_MOOT: usize = 6;

pub(crate) struct Journal {
    pub(crate) writable: bool,
    bytes: Vec<u8>,
    synced: usize,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { writable: true, bytes: vec![], synced: 0 }
    }

    /// Appends a line, on a line of its own even after a torn one.
    pub(crate) fn append(&mut self, at: Timestamp, record: Record, sync: bool, random: &mut Random) -> bool {
        if !self.writable {
            self.tear(at, record, random);
            return false;
        }
        self.end_line();
        self.bytes.extend(Entry { at, record }.to_line().bytes());
        if sync {
            self.synced = self.bytes.len();
        }
        true
    }

    /// Writes some bytes of a line: the disk is full or the writer dies.
    pub(crate) fn tear(&mut self, at: Timestamp, record: Record, random: &mut Random) {
        self.end_line();
        let line = Entry { at, record }.to_line();
        let cut = random.below(line.len() as u64) as usize;
        self.bytes.extend(line.bytes().take(cut));
    }

    fn end_line(&mut self) {
        if self.bytes.last().is_some_and(|byte| *byte != b'\n') {
            self.bytes.push(b'\n');
        }
    }

    /// The machine loses its power: what was not synced is cut anywhere.
    pub(crate) fn lose_power(&mut self, random: &mut Random) {
        let unsynced = self.bytes.len() - self.synced.min(self.bytes.len());
        let kept = self.bytes.len() - unsynced + random.below(unsynced as u64 + 1) as usize;
        self.bytes.truncate(kept);
        self.synced = kept;
    }

    pub(crate) fn summary(&mut self) -> Summary {
        let entries = parse(&self.bytes);
        self.forget_before_last_stored(&entries);
        summarize(&entries)
    }

    /// Does a line tell that this token was sent?
    pub(crate) fn was_presented(&self, token: &str) -> bool {
        was_presented(&parse(&self.bytes), Fingerprint::of(token))
    }

    /// Was this line synced, as the newest that tells of a presentation?
    pub(crate) fn last_presented(&self) -> Option<Record> {
        let presented = |entry: &Entry| matches!(entry.record, Record::Presented { .. });
        let tail = self.synced.saturating_sub(400);
        parse(&self.bytes[tail..self.synced]).into_iter().rfind(presented).map(|entry| entry.record)
    }

    /// What is rotated away: lines that the newest `stored` makes moot.
    fn forget_before_last_stored(&mut self, entries: &[Entry]) {
        let Some(from) = entries.iter().rposition(|entry| matches!(entry.record, Record::Stored { .. })) else {
            return;
        };
        if from > MOST_MOOT {
            let lines: Vec<String> = entries[from..].iter().map(Entry::to_line).collect();
            self.bytes = lines.concat().into_bytes();
            self.synced = self.bytes.len();
        }
    }
}
