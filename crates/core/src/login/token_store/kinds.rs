//! What can go wrong with a keychain, and which entries an account has in it.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;

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
    /// It waits for its password, in a window of its own.
    #[error("your desktop asks for the keyring password; look for its window")]
    PasswordAsked,
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
    /// A refresh token, with the client secret that goes with it.
    RefreshToken(Slot),
    /// The access token, so that a restart needs no rotation. Best effort.
    AccessToken,
    /// Written and read back before a request, to prove that the answer can be stored.
    Probe,
    /// The client secret that a log-out leaves behind for the next log-in.
    ClientSecret,
    /// A login of another user that waits for a person's answer.
    WaitingLogin,
}

impl EntryKind {
    /// What a log-out deletes.
    pub const LOGIN: [Self; 5] =
        [Self::RefreshToken(Slot::A), Self::RefreshToken(Slot::B), Self::AccessToken, Self::Probe, Self::WaitingLogin];

    /// The user name of the entry in the keychain.
    #[must_use]
    pub fn name(self, account: &AccountId) -> String {
        let kind = match self {
            Self::RefreshToken(Slot::A) => "refresh-token.a",
            Self::RefreshToken(Slot::B) => "refresh-token.b",
            Self::AccessToken => "access-token",
            Self::Probe => "probe",
            Self::ClientSecret => "client-secret",
            Self::WaitingLogin => "waiting-login",
        };
        format!("{account}/{kind}")
    }
}
