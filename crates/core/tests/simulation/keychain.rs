//! The operating system's keychain: four entries, and the ways in which it does not work.

use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::token_store::{EntryKind, Slot, StoredAccessToken, StoredRefreshToken, StoredTokens};

use evertoken_core::oauth::server::Server;

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
    /// What is in it.
    entries: StoredTokens,
    /// The bytes in the two slots.
    bytes: [Option<String>; 2],
    /// The bytes of the login that waits for an answer.
    waiting: Option<String>,
    hanging: Vec<(EntryKind, Option<String>)>,
    /// Something was written since the last look.
    pub(crate) touched: bool,
}

impl Keychain {
    pub(crate) fn new() -> Self {
        Self {
            mood: Mood::Works,
            entries: StoredTokens::default(),
            bytes: [None, None],
            waiting: None,
            hanging: vec![],
            touched: false,
        }
    }

    /// What an agent reads, and how many milliseconds it takes.
    pub(crate) fn read(&self) -> Answer<StoredTokens> {
        match self.mood {
            Mood::Works | Mood::RefusesWrites => (Ok(self.look()), 3),
            Mood::NeverUnlocked => (Ok(StoredTokens::default()), 3),
            Mood::Locked => (Err(KeychainProblem::Locked), 5),
            Mood::Absent => (Err(KeychainProblem::Unavailable), 1),
            Mood::Hangs => (Err(KeychainProblem::TimedOut), 5 * SECOND),
        }
    }

    /// What is in it, whatever its mood.
    pub(crate) fn look(&self) -> StoredTokens {
        self.entries.clone()
    }

    pub(crate) fn token_in(&self, slot: Slot) -> Option<String> {
        self.bytes[slot as usize].clone()
    }

    /// The slot of the current token.
    pub(crate) fn current_slot(&self) -> Option<Slot> {
        let generation = |slot| self.entries.in_slot(slot).map(|stored| stored.generation);
        [Slot::A, Slot::B].into_iter().filter(|slot| generation(*slot).is_some()).max_by_key(|slot| generation(*slot))
    }

    pub(crate) fn current(&self) -> Option<String> {
        self.token_in(self.current_slot()?)
    }

    /// The slot of a candidate that lies beside the login before it.
    pub(crate) fn left_behind(&self) -> Option<Slot> {
        let slot = self.current_slot()?;
        let unproven = self.entries.in_slot(slot).is_some_and(|stored| !stored.proven);
        (unproven && self.entries.in_slot(slot.other()).is_some()).then_some(slot)
    }

    /// The login that waits for an answer, and the server that it is for.
    pub(crate) fn waiting(&self) -> Option<(String, Server)> {
        let server = self.entries.waiting.as_ref()?.log_in.as_ref()?.server.clone();
        Some((self.waiting.clone()?, server))
    }

    pub(crate) fn holds(&self, token: &str) -> bool {
        self.bytes.iter().flatten().any(|bytes| bytes == token)
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
                self.bytes[slot as usize] = text.as_deref().and_then(refresh_token_in);
                let stored = text.and_then(|text| StoredRefreshToken::from_entry(&text.into()));
                match slot {
                    Slot::A => self.entries.a = stored,
                    Slot::B => self.entries.b = stored,
                }
            }
            EntryKind::AccessToken => {
                self.entries.access_token = text.and_then(|text| StoredAccessToken::from_entry(&text.into()));
            }
            EntryKind::WaitingLogin => {
                self.waiting = text.as_deref().and_then(refresh_token_in);
                self.entries.waiting = text.and_then(|text| StoredRefreshToken::from_entry(&text.into()));
            }
            EntryKind::Probe | EntryKind::ClientSecret => {}
        }
    }
}

/// The bytes that core shows to no one but the token's own server.
fn refresh_token_in(entry: &str) -> Option<String> {
    let entry: serde_json::Value = serde_json::from_str(entry).ok()?;
    Some(entry["refresh_token"].as_str()?.to_owned())
}
