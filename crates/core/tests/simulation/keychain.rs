//! The operating system's keychain: four entries, and the ways in which it does not work.

use std::collections::HashMap;

use evertoken_core::keychain::{EntryKind, Found, KeychainProblem, Slot, StoredAccessToken, StoredRefreshToken};

use super::clock::SECOND;
use super::random::Random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Works,
    Locked,
    /// Reads, and writes nothing; what it should have replaced may be gone.
    RefusesWrites,
    Absent,
    /// Does not answer; what it was asked to write may land when it does again.
    Hangs,
    /// Says "no entry" to every question.
    NeverUnlocked,
}

impl Mood {
    pub(crate) const TROUBLES: [Self; 5] =
        [Self::Locked, Self::RefusesWrites, Self::Absent, Self::Hangs, Self::NeverUnlocked];
}

type Answer<T> = (Result<T, KeychainProblem>, i64);

pub(crate) struct Keychain {
    pub(crate) mood: Mood,
    entries: HashMap<String, String>,
    hanging: Vec<(EntryKind, Option<String>)>,
}

impl Keychain {
    pub(crate) fn new() -> Self {
        Self { mood: Mood::Works, entries: HashMap::new(), hanging: vec![] }
    }

    /// What an agent reads, and how many milliseconds it takes.
    pub(crate) fn read(&self) -> Answer<(Found, Option<StoredAccessToken>)> {
        match self.mood {
            Mood::Works | Mood::RefusesWrites => (Ok(self.look()), 3),
            Mood::NeverUnlocked => (Ok((Found::default(), None)), 3),
            Mood::Locked => (Err(KeychainProblem::Locked), 5),
            Mood::Absent => (Err(KeychainProblem::Unavailable), 1),
            Mood::Hangs => (Err(KeychainProblem::TimedOut), 5 * SECOND),
        }
    }

    /// What is in it, whatever its mood.
    pub(crate) fn look(&self) -> (Found, Option<StoredAccessToken>) {
        let info = |slot| self.refresh_token(slot).map(|stored| stored.info(slot));
        let access = self.entry(EntryKind::AccessToken).and_then(|text| StoredAccessToken::from_entry(&text.into()));
        let known = access.as_ref().map(|stored| (stored.generation, stored.info()));
        (Found { a: info(Slot::A), b: info(Slot::B), access_token: known }, access)
    }

    pub(crate) fn refresh_token(&self, slot: Slot) -> Option<StoredRefreshToken> {
        StoredRefreshToken::from_entry(&self.entry(EntryKind::RefreshToken(slot))?.into())
    }

    pub(crate) fn current(&self) -> Option<String> {
        let current = self.look().0.current()?;
        self.refresh_token(current.slot).map(|stored| stored.token.expose().to_owned())
    }

    pub(crate) fn holds(&self, token: &str) -> bool {
        [Slot::A, Slot::B].into_iter().filter_map(|slot| self.refresh_token(slot)).any(|s| s.token.expose() == token)
    }

    /// Writes and reads back, or deletes.
    pub(crate) fn write(&mut self, kind: EntryKind, text: Option<String>, random: &mut Random) -> Answer<()> {
        match self.mood {
            Mood::Works => {
                self.put(kind, text);
                (Ok(()), 10)
            }
            Mood::RefusesWrites => {
                if text.is_some() && random.one_in(3) {
                    self.put(kind, None);
                }
                (Err(KeychainProblem::Refused), 5)
            }
            Mood::Locked | Mood::NeverUnlocked => (Err(KeychainProblem::Locked), 5),
            Mood::Absent => (Err(KeychainProblem::Unavailable), 1),
            Mood::Hangs => {
                self.hanging.push((kind, text));
                (Err(KeychainProblem::TimedOut), 5 * SECOND)
            }
        }
    }

    /// The writer dies in the middle: some keychains delete before they write.
    pub(crate) fn tear(&mut self, kind: EntryKind) {
        if self.mood == Mood::Works {
            self.put(kind, None);
        }
    }

    /// The mood changes; what hung lands, in order, except for what was given up.
    pub(crate) fn become_(&mut self, mood: Mood, random: &mut Random) {
        self.mood = mood;
        for (kind, text) in std::mem::take(&mut self.hanging) {
            if !random.one_in(3) {
                self.put(kind, text);
            }
        }
    }

    fn put(&mut self, kind: EntryKind, text: Option<String>) {
        let name = kind.name(&"default".parse().unwrap());
        match text {
            Some(text) => self.entries.insert(name, text),
            None => self.entries.remove(&name),
        };
    }

    fn entry(&self, kind: EntryKind) -> Option<String> {
        self.entries.get(&kind.name(&"default".parse().unwrap())).cloned()
    }
}
