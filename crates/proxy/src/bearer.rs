//! What a client shows so that it is let in: a random bearer token of this run, good for nothing else. Tools that know
//! only a user name and a password show it as the password, with any name.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// In bytes: 256 bits, which nobody guesses.
const RANDOM_BYTES: usize = 32;

/// The bearer token of one run. Its `Debug` shows nothing.
#[derive(Debug, Clone)]
pub(crate) struct RunToken(SecretString);

impl RunToken {
    /// A new one, from the operating system's randomness.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// The token itself: for the announcement.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Is this credential (RFC 6750 section 2.1, or RFC 7617 section 2) ours? Takes as long whatever it is, so that
    /// nobody can guess it byte by byte.
    pub(crate) fn is_shown_by(&self, credentials: &[u8]) -> bool {
        let end = credentials.iter().position(|&byte| byte == b' ').unwrap_or(credentials.len());
        let (scheme, shown) = (&credentials[..end], credentials[end..].trim_ascii());
        if scheme.eq_ignore_ascii_case(b"Bearer") {
            return self.is(shown);
        }
        let Some(pair) = scheme.eq_ignore_ascii_case(b"Basic").then(|| STANDARD.decode(shown).ok()).flatten() else {
            return false;
        };
        // A user name has no colon.
        pair.iter().position(|&byte| byte == b':').is_some_and(|colon| self.is(&pair[colon + 1..]))
    }

    fn is(&self, shown: &[u8]) -> bool {
        shown.ct_eq(self.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn each_run_has_a_token_of_its_own_that_no_log_shows() {
        let (one, other) = (RunToken::random().unwrap(), RunToken::random().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 43);
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn only_the_whole_token_lets_in() {
        let token = RunToken::random().unwrap();
        let text = token.expose();
        for good in [format!("Bearer {text}"), format!("bearer  {text} ")] {
            assert!(token.is_shown_by(good.as_bytes()));
        }
        for bad in [String::new(), "Bearer".to_owned(), "Bearer ".to_owned(), text.to_owned(), format!("Basic {text}")]
        {
            assert!(!token.is_shown_by(bad.as_bytes()), "{bad}");
        }
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for good in
            [basic(&format!("x:{text}")), basic(&format!(":{text}")), basic(&format!("x:{text}")).replacen('B', "b", 1)]
        {
            assert!(token.is_shown_by(good.as_bytes()), "{good}");
        }
        for bad in
            [basic(text), basic(&format!("{text}:")), basic(&format!("x:y:{text}")), basic("x:"), "Basic ?".to_owned()]
        {
            assert!(!token.is_shown_by(bad.as_bytes()), "{bad}");
        }
        assert!(!token.is_shown_by(format!("Bearer {}", &text[..42]).as_bytes()));
        assert!(!token.is_shown_by(format!("Bearer {text}A").as_bytes()));
    }
}
