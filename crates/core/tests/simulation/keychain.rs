//! The operating system's keychain: four entries, and the ways in which it does not work.

use evertoken_core::login::token_store::{
    EntryKind, Found, KeychainProblem, RefreshTokenInfo, Slot, StoredAccessToken, StoredRefreshToken,
};

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
    /// The two slots, as they read.
    refresh: [Option<(StoredRefreshToken, RefreshTokenInfo)>; 2],
    access: Option<StoredAccessToken>,
    hanging: Vec<(EntryKind, Option<String>)>,
    /// Something was written since the last look.
    pub(crate) touched: bool,
}

impl Keychain {
    pub(crate) fn new() -> Self {
        Self { mood: Mood::Works, refresh: [None, None], access: None, hanging: vec![], touched: false }
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
        let info = |slot| self.slot(slot).as_ref().map(|(_, info)| *info);
        let known = self.access.as_ref().map(|stored| (stored.generation, stored.info()));
        (Found { a: info(Slot::A), b: info(Slot::B), access_token: known }, self.access.clone())
    }

    pub(crate) fn token_in(&self, slot: Slot) -> Option<String> {
        self.slot(slot).as_ref().map(|(stored, _)| stored.token.expose().to_owned())
    }

    pub(crate) fn current(&self) -> Option<String> {
        self.token_in(self.look().0.current()?.slot)
    }

    pub(crate) fn holds(&self, token: &str) -> bool {
        self.refresh.iter().flatten().any(|(stored, _)| stored.token.expose() == token)
    }

    fn slot(&self, slot: Slot) -> &Option<(StoredRefreshToken, RefreshTokenInfo)> {
        &self.refresh[slot as usize]
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
        self.touched = true;
        match kind {
            EntryKind::RefreshToken(slot) => {
                let stored = text.and_then(|text| StoredRefreshToken::from_entry(&text.into()));
                self.refresh[slot as usize] = stored.map(|stored| (stored.clone(), stored.info(slot)));
            }
            EntryKind::AccessToken => self.access = text.and_then(|text| StoredAccessToken::from_entry(&text.into())),
            EntryKind::Probe | EntryKind::ClientSecret(_) => {}
        }
    }
}
