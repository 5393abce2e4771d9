//! Older versions of the format, brought forward one step at a time.

use toml_edit::{Document, DocumentMut, Item, value};

use super::{ConfigurationError, VERSION, document};

/// A configuration of any known version, as one of the current version.
pub(super) fn to_current(text: &str) -> Result<Document<String>, ConfigurationError> {
    let written = document(text.to_owned())?;
    let version = match written.get("version") {
        None => 0,
        Some(item) => item
            .as_integer()
            .ok_or_else(|| ConfigurationError::Unreadable("version is not a number: write version = 1".to_owned()))?,
    };
    match version {
        0 => document(from_0(written.into_mut()).to_string()),
        VERSION => Ok(written),
        newer => Err(ConfigurationError::TooNew(newer)),
    }
}

/// Version 0 had no `version` line, and named the endpoint `url`.
fn from_0(mut document: DocumentMut) -> DocumentMut {
    if let Some(accounts) = document.get_mut("accounts").and_then(Item::as_table_like_mut) {
        for (_, account) in accounts.iter_mut() {
            if let Some(account) = account.as_table_like_mut()
                && let Some(url) = account.remove("url")
            {
                account.insert("endpoint", url);
            }
        }
    }
    document.insert("version", value(VERSION));
    document
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    #[test]
    fn version_0_is_understood() {
        let text = "# mine\ndefault_account = \"a\"\n[accounts.a]\nurl = \"https://a.example/token\"\n";
        let configuration = super::super::parse(text).unwrap();
        assert_eq!(configuration.accounts.values().next().unwrap().server.endpoint.as_str(), "https://a.example/token");
    }
}
