//! What can go wrong with a keychain.

use serde::{Deserialize, Serialize};

/// Why the keychain did not do what it was asked to. None of these means "signed out".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// It runs, and has no keyring that new entries go to.
    #[error("the keychain has no default keyring")]
    NoDefaultKeyring,
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

impl KeychainProblem {
    /// What it means for a login that is stored.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Locked
            | Self::TimedOut
            | Self::PasswordAsked
            | Self::Unavailable
            | Self::Refused
            | Self::KeyNotPrivate
            | Self::NoClientSecret => "the login is not lost",
            // Key, file or keyring may be gone for good.
            Self::NoDefaultKeyring
            | Self::Missing
            | Self::KeyMissing
            | Self::KeyMalformed
            | Self::FileNotOurs
            | Self::FileNotRead => "until that is mended, the login cannot be read",
        }
    }
}
