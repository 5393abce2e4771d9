//! What an account's entries in the keychain and its files are known by. A rename does not change it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::account::AccountName;

/// 16 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]{16}$")))]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

/// Why a text is not an [`AccountId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's id is 16 hex digits: leave the line out, and Evertoken writes it")]
pub struct InvalidAccountId;

/// Hex digits of an id: 64 bits, so that two ids of one keychain are never the same by accident.
const DIGITS: usize = 16;

impl AccountId {
    /// A new account's id, from randomness.
    #[must_use]
    pub fn random(bits: u64) -> Self {
        Self(format!("{bits:0DIGITS$x}"))
    }

    /// The id of an account that a person wrote by hand without one: the same at every start, also when nothing can be
    /// written anywhere, and another one for another configuration folder. `attempt` counts up from 0 until it is free.
    #[must_use]
    pub fn derived(configuration: &Path, name: &AccountName, attempt: u32) -> Self {
        let mut digest = Sha256::new_with_prefix(b"evertoken account id\0");
        digest.update(configuration.as_os_str().as_encoded_bytes());
        digest.update([0]);
        digest.update(name.as_str());
        digest.update([0]);
        digest.update(attempt.to_be_bytes());
        let bytes = digest.finalize();
        Self(bytes.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAccountId)
        }
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccountId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn derived(folder: &str, name: &str, attempt: u32) -> AccountId {
        AccountId::derived(Path::new(folder), &name.parse().unwrap(), attempt)
    }

    #[test]
    fn p9_two_configurations_with_one_keychain_have_two_ids_for_one_name() {
        assert_eq!(derived("/h/.config/evertoken", "a", 0), derived("/h/.config/evertoken", "a", 0));
        assert_eq!(derived("/h/.config/evertoken", "a", 0).as_str(), "2e66d08705afb22d");
        for other in [derived("/other/evertoken", "a", 0), derived("/h/.config/evertoken", "b", 0)] {
            assert_ne!(derived("/h/.config/evertoken", "a", 0), other);
        }
        assert_ne!(derived("/h", "a", 0), derived("/h", "a", 1));
    }

    #[test]
    fn only_sixteen_hex_digits_are_an_id() {
        assert_eq!(AccountId::random(0xab).as_str(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse::<AccountId>().map(String::from), Ok("00000000000000ab".to_owned()));
        for bad in ["", "0", "../../../../../x", "00000000000000AB", "00000000000000abc", "zzzzzzzzzzzzzzzz"] {
            assert_eq!(bad.parse::<AccountId>(), Err(InvalidAccountId), "{bad}");
        }
    }
}
