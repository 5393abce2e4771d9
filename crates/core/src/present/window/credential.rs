//! What a person is about to log in with, recognised before it is sent.

use serde::Serialize;

use crate::oauth::token_response::{UnusableCredential, read_credential};
use crate::present::sentence::as_sentence;

/// What an input is. It tells nothing of a token but its length and its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Recognised {
    /// Can a log-in be tried with it?
    pub usable: bool,
    /// What it is, in a sentence; empty for nothing.
    pub words: String,
}

/// Recognises a refresh token or a whole token response.
#[must_use]
pub fn recognise(text: &str) -> Recognised {
    match read_credential(text) {
        Ok(token) => {
            let what = if text.trim_start().starts_with('{') { "A token response with a" } else { "A" };
            let length = token.expose().chars().count();
            let words = format!("{what} refresh token of {length} characters, fingerprint {}.", token.fingerprint());
            Recognised { usable: true, words }
        }
        Err(UnusableCredential::Empty) => Recognised { usable: false, words: String::new() },
        Err(error) => Recognised { usable: false, words: as_sentence(&error.to_string()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sees_what_was_pasted_and_nobody_sees_the_token() {
        let token = "_aUC1234567890abcdefghijklm";
        let pasted = recognise(&format!(" {token}\n"));
        assert!(pasted.usable);
        assert!(pasted.words.starts_with("A refresh token of 27 characters, fingerprint "), "{}", pasted.words);
        let response = recognise(&format!(r#"{{"access_token":"a","refresh_token":"{token}"}}"#));
        assert!(response.words.starts_with("A token response with a refresh token of 27 "), "{}", response.words);
        for shown in [pasted, response] {
            assert!((0..token.len() - 4).all(|at| !shown.words.contains(&token[at..at + 4])), "{}", shown.words);
        }
    }

    #[test]
    fn what_cannot_log_in_is_said_before_it_is_sent() {
        assert_eq!(recognise("  "), Recognised { usable: false, words: String::new() });
        for (input, says) in
            [("two words", "not a refresh token"), ("{", "looks like JSON"), ("{}", "no refresh_token")]
        {
            let shown = recognise(input);
            assert!(!shown.usable && shown.words.contains(says), "{input}: {}", shown.words);
        }
    }
}
