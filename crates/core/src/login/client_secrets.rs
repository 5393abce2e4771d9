//! The client secret in the keychain: two entries, so that a log-in with a new secret never takes the place of the one
//! that works before the server has accepted it.
//!
//! Each entry says from which generation of refresh tokens on it counts. So which secret goes with which token needs
//! no second write when a log-in is granted, and a log-in that died half-way leaves nothing that the login before it
//! would use.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::login::token_store::{Found, RefreshTokenInfo, Slot};
use crate::oauth::client_authentication::ClientSecret;

/// A client secret as it lies in a slot.
#[derive(Debug, Clone)]
pub struct StoredClientSecret {
    /// The generation of the first refresh token that is presented with it.
    pub since: u64,
    /// The secret.
    pub secret: ClientSecret,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    v: u8,
    since: u64,
    client_secret: String,
}

/// The version of the entry.
const ENTRY_VERSION: u8 = 1;

impl StoredClientSecret {
    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        let entry = Entry { v: ENTRY_VERSION, since: self.since, client_secret: self.secret.expose().to_owned() };
        serde_json::to_string(&entry).unwrap_or_default().into()
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: Entry = serde_json::from_str(text.expose_secret()).ok()?;
        Some(Self { since: entry.since, secret: ClientSecret::read(&entry.client_secret).ok()? })
    }
}

/// Both slots.
#[derive(Debug, Clone, Default)]
pub struct ClientSecrets {
    /// The first.
    pub a: Option<StoredClientSecret>,
    /// The second.
    pub b: Option<StoredClientSecret>,
}

/// A change of one slot.
#[derive(Debug, Clone)]
pub enum Change {
    /// Store this.
    Put(Slot, StoredClientSecret),
    /// Delete this.
    Drop(Slot),
}

impl ClientSecrets {
    /// What lies in a slot.
    #[must_use]
    pub const fn in_slot(&self, slot: Slot) -> Option<&StoredClientSecret> {
        match slot {
            Slot::A => self.a.as_ref(),
            Slot::B => self.b.as_ref(),
        }
    }

    /// The same after a change.
    #[must_use]
    pub fn after(mut self, change: &Change) -> Self {
        let (slot, stored) = match change {
            Change::Put(slot, stored) => (*slot, Some(stored.clone())),
            Change::Drop(slot) => (*slot, None),
        };
        match slot {
            Slot::A => self.a = stored,
            Slot::B => self.b = stored,
        }
        self
    }

    /// The secret that goes with a refresh token of this generation: the newest that counts by then.
    #[must_use]
    pub fn for_generation(&self, generation: u64) -> Option<&ClientSecret> {
        self.slot_for(generation).and_then(|slot| self.in_slot(slot)).map(|stored| &stored.secret)
    }

    fn slot_for(&self, generation: u64) -> Option<Slot> {
        self.occupied().filter(|(_, since)| *since <= generation).max_by_key(|(_, since)| *since).map(|(slot, _)| slot)
    }

    fn occupied(&self) -> impl Iterator<Item = (Slot, u64)> {
        let with = |slot, stored: &Option<StoredClientSecret>| stored.as_ref().map(|stored| (slot, stored.since));
        [with(Slot::A, &self.a), with(Slot::B, &self.b)].into_iter().flatten()
    }

    /// Before a refresh of this login: a secret that a log-in left behind without its token, as a write does that
    /// landed late. It must go before the generations reach it.
    #[must_use]
    pub fn before_refresh(&self, login: &RefreshTokenInfo) -> Option<Change> {
        let left_behind = self.occupied().find(|(_, since)| *since > login.generation).filter(|_| login.proven);
        left_behind.map(|(slot, _)| Change::Drop(slot))
    }

    /// Before a log-in whose candidate gets the generation `candidate`: the changes after which the login before it
    /// goes with the secret that it has, and the candidate with the given one, or with the same.
    #[must_use]
    pub fn before_login(&self, found: &Found, candidate: u64, given: Option<&ClientSecret>) -> Vec<Change> {
        let login = [found.current(), found.previous()].into_iter().flatten().find(|login| login.proven);
        // While nobody is logged in, generations begin anew, and what is left is the newest of all.
        let generation = login.map_or(0, |login| login.generation);
        let kept = match login {
            Some(_) => self.slot_for(generation),
            None => self.slot_for(u64::MAX),
        };
        let free = kept.map_or(Slot::A, Slot::other);
        let mut changes = Vec::new();
        for slot in [Slot::A, Slot::B].into_iter().filter(|slot| kept != Some(*slot)) {
            match given.filter(|_| slot == free) {
                Some(secret) => {
                    changes.push(Change::Put(slot, StoredClientSecret { since: candidate, secret: secret.clone() }));
                }
                None if self.in_slot(slot).is_some() => changes.push(Change::Drop(slot)),
                None => {}
            }
        }
        // Last: if this dies before, what is kept is still told apart as the newer one.
        if let Some((slot, stored)) = kept.and_then(|slot| Some((slot, self.in_slot(slot)?)))
            && stored.since > generation
        {
            changes.push(Change::Put(slot, StoredClientSecret { since: generation, secret: stored.secret.clone() }));
        }
        changes
    }

    /// The secret with which that candidate would be presented.
    #[must_use]
    pub fn of_candidate(self, found: &Found, candidate: u64, given: Option<&ClientSecret>) -> Option<ClientSecret> {
        let changes = self.before_login(found, candidate, given);
        changes.iter().fold(self, |secrets, change| secrets.after(change)).for_generation(candidate).cloned()
    }

    /// After a candidate of this generation brought nothing: its secret goes with it.
    #[must_use]
    pub fn after_refusal(&self, candidate: u64) -> Option<Change> {
        self.occupied().find(|(_, since)| *since == candidate).map(|(slot, _)| Change::Drop(slot))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::token::Fingerprint;

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::read(text).unwrap()
    }

    fn token(slot: Slot, generation: u64, proven: bool) -> RefreshTokenInfo {
        let stored_at = Timestamp::UNIX_EPOCH;
        RefreshTokenInfo { slot, generation, rotations: 0, stored_at, proven, fingerprint: Fingerprint::of("t") }
    }

    fn of(secrets: &ClientSecrets, generation: u64) -> Option<&str> {
        secrets.for_generation(generation).map(ClientSecret::expose)
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let back = StoredClientSecret::from_entry(&StoredClientSecret { since: 7, secret: secret("s") }.to_entry());
        let back = back.unwrap();
        assert_eq!((back.since, back.secret.expose()), (7, "s"));
        for garbled in ["", "{}", "null", r#"{"v":1,"since":1,"client_secret":""}"#] {
            assert!(StoredClientSecret::from_entry(&garbled.to_owned().into()).is_none(), "{garbled}");
        }
    }

    /// One account's keychain, and what each log-in and refresh does to it, dying wherever it may.
    #[derive(Default)]
    struct Life {
        found: Found,
        secrets: ClientSecrets,
        /// The secret that the server accepts for the login.
        works: Option<String>,
        /// What may still be done before the agent dies.
        writes: usize,
    }

    #[derive(Debug, Clone)]
    enum Happening {
        /// A log-in: its secret, how many writes are done before the agent dies, and is it granted?
        LogIn {
            secret: Option<u8>,
            writes: usize,
            granted: bool,
        },
        /// The write of a log-in that was given up lands after all.
        LandsLate,
        Refresh,
        LogOut,
    }

    impl Life {
        fn write(&mut self, write: impl FnOnce(&mut Self)) -> Option<()> {
            self.writes = self.writes.checked_sub(1)?;
            write(self);
            Some(())
        }

        fn change(&mut self, change: &Change) {
            self.secrets = std::mem::take(&mut self.secrets).after(change);
        }

        fn token(&mut self, slot: Slot, token: Option<RefreshTokenInfo>) {
            match slot {
                Slot::A => self.found.a = token,
                Slot::B => self.found.b = token,
            }
        }

        /// Candidates of log-ins that died, and no login beside them: what was given last is as good as any.
        fn newest_counts_without_a_login(&mut self) {
            let tokens = [self.found.current(), self.found.previous()];
            if self.found.current().is_some() && tokens.into_iter().flatten().all(|token| !token.proven) {
                self.works = of(&self.secrets, u64::MAX).map(str::to_owned);
            }
        }

        /// The candidate's token is stored before its secret, and deleted after it.
        fn log_in(&mut self, given: Option<String>, granted: bool) -> Option<()> {
            let (before, current) = (self.found.clone(), self.found.current());
            let generation = current.map_or(1, |current| current.generation + 1);
            let next = current.map_or(Slot::A, |current| current.slot.other());
            let slot = self.found.left_behind().map_or(next, |candidate| candidate.slot);
            self.newest_counts_without_a_login();
            let secret = given.as_deref().map(secret);
            self.write(|life| life.token(slot, Some(token(slot, generation, false))))?;
            for change in self.secrets.before_login(&before, generation, secret.as_ref()) {
                self.write(|life| life.change(&change))?;
            }
            let expected = given.or_else(|| self.works.clone());
            assert_eq!(of(&self.secrets, generation), expected.as_deref(), "the candidate goes with what was given");
            if granted {
                self.write(|life| life.token(slot.other(), Some(token(slot.other(), generation + 1, true))))?;
                self.works = expected;
                return Some(());
            }
            if let Some(change) = self.secrets.after_refusal(generation) {
                self.write(|life| life.change(&change))?;
            }
            self.write(|life| life.token(slot, None))
        }

        /// As the rotation has it: a candidate that was left behind is refused and dropped, then the login goes on.
        fn refresh(&mut self) {
            if let Some(candidate) = self.found.left_behind() {
                if let Some(change) = self.secrets.after_refusal(candidate.generation) {
                    self.change(&change);
                }
                self.token(candidate.slot, None);
            }
            let Some(current) = self.found.current().filter(|current| current.proven) else { return };
            if let Some(change) = self.secrets.before_refresh(&current) {
                self.change(&change);
            }
            assert_eq!(of(&self.secrets, current.generation), self.works.as_deref(), "the login goes with its secret");
            let next = current.slot.other();
            self.token(next, Some(token(next, current.generation + 1, true)));
        }

        fn lands_late(&mut self) {
            let Some(login) = self.found.current().filter(|current| current.proven) else { return };
            for change in self.secrets.before_login(&self.found, login.generation + 1, Some(&secret("late"))) {
                self.change(&change);
            }
        }

        fn log_out(&mut self) {
            // Otherwise a candidate that was left behind may leave its secret as the newest: a log-in says what counts.
            self.refresh();
            self.newest_counts_without_a_login();
            self.found = Found::default();
        }
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let login = (proptest::option::of(0_u8..9), 0_usize..7, any::<bool>())
            .prop_map(|(secret, writes, granted)| Happening::LogIn { secret, writes, granted });
        prop_oneof![
            3 => login,
            1 => Just(Happening::LandsLate),
            4 => Just(Happening::Refresh),
            1 => Just(Happening::LogOut)
        ]
    }

    proptest! {
        #[test]
        fn a_login_keeps_its_secret_whatever_log_ins_are_refused_or_die(
            happenings in prop::collection::vec(happening(), 1..40),
        ) {
            let mut life = Life::default();
            for (number, happening) in happenings.into_iter().enumerate() {
                match happening {
                    Happening::LogIn { secret, writes, granted } => {
                        life.writes = writes;
                        let _ = life.log_in(secret.map(|secret| format!("{secret}-{number}")), granted);
                    }
                    Happening::LandsLate => life.lands_late(),
                    Happening::Refresh => life.refresh(),
                    Happening::LogOut => life.log_out(),
                }
            }
        }

        #[test]
        fn a_garbled_entry_is_no_entry_and_no_panic(text in "\\PC{0,80}") {
            prop_assert!(StoredClientSecret::from_entry(&text.into()).is_none());
        }
    }
}
