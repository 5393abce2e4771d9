//! What can go wrong with a keychain, and what is kept in which entry of it.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::login::session::AccessTokenInfo;
use crate::oauth::token::{AccessToken, Fingerprint, RefreshToken};

/// Why the keychain did not do what it was asked to. None of these means "signed out".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum KeychainProblem {
    /// It is locked, and nobody unlocked it.
    #[error("the keychain is locked")]
    Locked,
    /// It did not answer within 5 seconds: locked behind a window, or slow.
    #[error("the keychain does not answer")]
    TimedOut,
    /// There is none.
    #[error("no keychain is running")]
    Unavailable,
    /// It refuses to store what it is given.
    #[error("the keychain refuses to store the login")]
    Refused,
    /// It has no entry, although the journal knows of a login: it is not the keychain that we wrote to, or not yet.
    #[error("the keychain does not hold the login that was stored in it")]
    Missing,
    /// It is a file, and its key is not where it should be.
    #[error("the key of the keychain file is not there")]
    KeyMissing,
    /// It is a file, and somebody else may read or replace its key.
    #[error("the key of the keychain file is not private")]
    KeyNotPrivate,
    /// It is a file, and what should be its key is none.
    #[error("the key of the keychain file is not 32 random bytes")]
    KeyMalformed,
    /// It is a file that was sealed with another key, that is damaged, or that is something else.
    #[error("the keychain file does not open with this key, or is damaged")]
    FileNotOurs,
    /// It is a file, and the system refuses to read it.
    #[error("the keychain file cannot be read")]
    FileNotRead,
    /// The account's client authenticates with a secret, and there is none.
    #[error("the keychain does not hold the account's client secret")]
    NoClientSecret,
}

/// One of the two entries between which the refresh token alternates, so that a new one never overwrites the
/// only copy of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The one that does not hold the current token.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// An entry of the keychain, under the program's service name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A refresh token.
    RefreshToken(Slot),
    /// The access token, so that a restart needs no rotation. Best effort.
    AccessToken,
    /// Written and read back before a request, to prove that the answer can be stored.
    Probe,
    /// A client secret. It belongs to the account, not to the login.
    ClientSecret(Slot),
}

impl EntryKind {
    /// What a log-out deletes.
    pub const LOGIN: [Self; 4] =
        [Self::RefreshToken(Slot::A), Self::RefreshToken(Slot::B), Self::AccessToken, Self::Probe];
    /// What belongs to the account, and goes with it.
    pub const ACCOUNT: [Self; 2] = [Self::ClientSecret(Slot::A), Self::ClientSecret(Slot::B)];

    /// The user name of the entry in the keychain.
    #[must_use]
    pub fn name(self, account: &AccountName) -> String {
        let kind = match self {
            Self::RefreshToken(Slot::A) => "refresh-token.a",
            Self::RefreshToken(Slot::B) => "refresh-token.b",
            Self::AccessToken => "access-token",
            Self::Probe => "probe",
            Self::ClientSecret(Slot::A) => "client-secret.a",
            Self::ClientSecret(Slot::B) => "client-secret.b",
        };
        format!("{account}/{kind}")
    }
}

/// A refresh token as it lies in a slot. The slot with the higher generation is the current one, whatever the
/// journal says.
#[derive(Debug, Clone)]
pub struct StoredRefreshToken {
    /// Counts up with every token that is stored.
    pub generation: u64,
    /// Rotations since the log-in.
    pub rotations: u64,
    /// When it was stored, UTC.
    pub stored_at: Timestamp,
    /// Has it, or the token before it, brought an access token? A token that a person gave is unproven until then.
    pub proven: bool,
    /// The token.
    pub token: RefreshToken,
}

/// An access token as it lies in the keychain, with what the endpoint said about it.
#[derive(Debug, Clone)]
pub struct StoredAccessToken {
    /// The generation of the refresh token that came with it; another generation means that this one is stale.
    pub generation: u64,
    /// When its request was sent, UTC.
    pub issued_at: Timestamp,
    /// When it ends, UTC.
    pub expires_at: Timestamp,
    /// Its scope.
    pub scope: Vec<String>,
    /// Its user.
    pub user_id: Option<String>,
    /// The token.
    pub token: AccessToken,
}

#[derive(Serialize, Deserialize)]
struct RefreshTokenEntry {
    v: u8,
    generation: u64,
    rotations: u64,
    stored_at: Timestamp,
    proven: bool,
    refresh_token: String,
}

#[derive(Serialize, Deserialize)]
struct AccessTokenEntry {
    v: u8,
    generation: u64,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    user_id: Option<String>,
    access_token: String,
}

/// The version of both entries.
const ENTRY_VERSION: u8 = 1;

fn write_entry(entry: &impl Serialize) -> SecretString {
    serde_json::to_string(entry).unwrap_or_default().into()
}

fn read_entry<T: for<'de> Deserialize<'de>>(text: &SecretString) -> Option<T> {
    serde_json::from_str(text.expose_secret()).ok()
}

impl StoredRefreshToken {
    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        write_entry(&RefreshTokenEntry {
            v: ENTRY_VERSION,
            generation: self.generation,
            rotations: self.rotations,
            stored_at: self.stored_at,
            proven: self.proven,
            refresh_token: self.token.expose().to_owned(),
        })
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: RefreshTokenEntry = read_entry(text)?;
        Some(Self {
            generation: entry.generation,
            rotations: entry.rotations,
            stored_at: entry.stored_at,
            proven: entry.proven,
            token: RefreshToken::new(entry.refresh_token),
        })
    }

    /// What may be known about it without the token, in the slot where it lies.
    #[must_use]
    pub fn info(&self, slot: Slot) -> RefreshTokenInfo {
        RefreshTokenInfo {
            slot,
            generation: self.generation,
            rotations: self.rotations,
            stored_at: self.stored_at,
            proven: self.proven,
            fingerprint: self.token.fingerprint(),
        }
    }
}

impl StoredAccessToken {
    /// The token, what is known about it, and the generation of the refresh token that came with it.
    #[must_use]
    pub fn new(generation: u64, info: AccessTokenInfo, token: AccessToken) -> Self {
        let AccessTokenInfo { issued_at, expires_at, scope, user_id } = info;
        Self { generation, issued_at, expires_at, scope, user_id, token }
    }

    /// The entry's text.
    #[must_use]
    pub fn to_entry(&self) -> SecretString {
        write_entry(&AccessTokenEntry {
            v: ENTRY_VERSION,
            generation: self.generation,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scope: self.scope.join(" "),
            user_id: self.user_id.clone(),
            access_token: self.token.expose().to_owned(),
        })
    }

    /// Reads an entry's text; `None` when it is not one.
    #[must_use]
    pub fn from_entry(text: &SecretString) -> Option<Self> {
        let entry: AccessTokenEntry = read_entry(text)?;
        Some(Self {
            generation: entry.generation,
            issued_at: entry.issued_at,
            expires_at: entry.expires_at,
            scope: entry.scope.split_ascii_whitespace().map(str::to_owned).collect(),
            user_id: entry.user_id,
            token: AccessToken::new(entry.access_token),
        })
    }

    /// What may be known about it without the token.
    #[must_use]
    pub fn info(&self) -> AccessTokenInfo {
        AccessTokenInfo {
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            scope: self.scope.clone(),
            user_id: self.user_id.clone(),
        }
    }
}

/// A stored refresh token, without the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenInfo {
    /// Where it lies.
    pub slot: Slot,
    /// See [`StoredRefreshToken::generation`].
    pub generation: u64,
    /// Rotations since the log-in.
    pub rotations: u64,
    /// When it was stored, UTC.
    pub stored_at: Timestamp,
    /// See [`StoredRefreshToken::proven`].
    pub proven: bool,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// What the keychain holds of an account, without the tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The token in the first slot.
    pub a: Option<RefreshTokenInfo>,
    /// The token in the second slot.
    pub b: Option<RefreshTokenInfo>,
    /// The access token, and the generation of the refresh token that it came with.
    pub access_token: Option<(u64, AccessTokenInfo)>,
}

impl Found {
    /// The current refresh token: the one with the higher generation.
    #[must_use]
    pub fn current(&self) -> Option<RefreshTokenInfo> {
        self.a.into_iter().chain(self.b).max_by_key(|info| info.generation)
    }

    /// The other refresh token.
    #[must_use]
    pub fn previous(&self) -> Option<RefreshTokenInfo> {
        self.a
            .filter(|_| self.b.is_some())
            .into_iter()
            .chain(self.b.filter(|_| self.a.is_some()))
            .min_by_key(|info| info.generation)
    }

    /// The current refresh token, if it is a candidate that a log-in left behind beside the login before it.
    #[must_use]
    pub fn left_behind(&self) -> Option<RefreshTokenInfo> {
        self.current().filter(|current| !current.proven && self.previous().is_some())
    }

    /// The access token, if it came with the current refresh token.
    #[must_use]
    pub fn current_access_token(&self) -> Option<&AccessTokenInfo> {
        let generation = self.current()?.generation;
        self.access_token.as_ref().filter(|(of, _)| *of == generation).map(|(_, token)| token)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use proptest::prelude::*;

    fn stored(generation: u64) -> StoredRefreshToken {
        StoredRefreshToken {
            generation,
            rotations: 3,
            stored_at: Timestamp::constant(1, 0),
            proven: true,
            token: RefreshToken::new(format!("token-{generation}")),
        }
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let back = StoredRefreshToken::from_entry(&stored(7).to_entry()).unwrap();
        assert_eq!((back.generation, back.rotations, back.token.expose()), (7, 3, "token-7"));
    }

    #[test]
    fn the_newer_generation_is_the_login() {
        let found = |a: Option<u64>, b: Option<u64>| Found {
            a: a.map(|generation| stored(generation).info(Slot::A)),
            b: b.map(|generation| stored(generation).info(Slot::B)),
            access_token: None,
        };
        let generations =
            |found: Found| (found.current().map(|i| i.generation), found.previous().map(|i| i.generation));
        assert_eq!(generations(found(Some(1), Some(2))), (Some(2), Some(1)));
        assert_eq!(generations(found(Some(3), Some(2))), (Some(3), Some(2)));
        assert_eq!(generations(found(None, Some(2))), (Some(2), None));
        assert_eq!(generations(found(None, None)), (None, None));
    }

    proptest! {
        #[test]
        fn a_garbled_entry_is_no_entry_and_no_panic(text in "\\PC{0,80}") {
            prop_assert!(StoredRefreshToken::from_entry(&text.clone().into()).is_none());
            prop_assert!(StoredAccessToken::from_entry(&text.into()).is_none());
        }
    }
}
