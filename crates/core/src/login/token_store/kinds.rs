//! Which entries an account has in the keychain.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;

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
