//! The name of an account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest account name in characters: it has to fit a file name and a menu line.
const LONGEST_NAME: usize = 64;

/// A name that people type, and that is safe in a file name and a URL path: 1 to 64 ASCII letters, digits,
/// `.`, `_`, `-`, starting with a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")))]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// Why a text is not an [`AccountName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an account name: use 1 to 64 letters, digits, '.', '_' or '-', starting with a letter or a digit"
)]
pub struct InvalidAccountName(String);

impl AccountName {
    /// The name as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= LONGEST_NAME && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAccountName(text.chars().take(LONGEST_NAME).collect()))
        }
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidAccountName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn names_that_could_leave_the_state_folder_are_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "-", "-x", "a b", "é", &"a".repeat(65)] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad:?}");
        }
        for good in ["default", "Production", "team.eu_1-a", "7"] {
            assert_eq!(good.parse::<AccountName>().unwrap().as_str(), good);
        }
    }
}
