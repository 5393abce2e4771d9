//! Token bytes as newtypes: no `Display`, no `Serialize`, a redacted `Debug`, zeroized when dropped.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! secret_text {
    ($(#[$doc:meta])* $seen:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes possession of the token's bytes.
            #[must_use]
            pub fn new(token: String) -> Self {
                Self(token.into())
            }

            /// The bytes themselves. Every call of this is a place to audit.
            #[must_use]
            $seen fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            /// How long it is, in bytes.
            #[must_use]
            pub fn length(&self) -> usize {
                self.expose().len()
            }

            /// What logs, journal and support may see of it.
            #[must_use]
            pub fn fingerprint(&self) -> Fingerprint {
                Fingerprint::of(self.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.fingerprint())
            }
        }
    };
}

secret_text! {
    /// An access token (RFC 6749 section 1.4).
    pub AccessToken
}
secret_text! {
    /// A refresh token (RFC 6749 section 1.5). Only a request to its own server and its entry in the keychain get at its
    /// bytes.
    pub(crate) RefreshToken
}

secret_text! {
    /// A code that the token endpoint exchanges for tokens, once (RFC 6749 section 1.3.1).
    pub AuthorizationCode
}
secret_text! {
    /// What proves that whoever has an authorization code also asked for it (RFC 7636 section 4.1).
    pub CodeVerifier
}
secret_text! {
    /// What ties a callback to the request that it answers (RFC 6749 section 10.12).
    pub AuthorizationState
}
secret_text! {
    /// What a device polls with (RFC 8628 section 3.2).
    pub DeviceCode
}

/// The first 12 hex digits of a token's SHA-256: enough to tell tokens apart, useless for logging in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[0-9a-f]{12}$")))]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 6]);

impl Fingerprint {
    /// The fingerprint of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        Self([digest[0], digest[1], digest[2], digest[3], digest[4], digest[5]])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// A text that is not 12 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 12 hex digits")]
pub struct InvalidFingerprint;

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = text.as_bytes();
        if bytes.len() != 12 || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return Err(InvalidFingerprint);
        }
        let number = u64::from_str_radix(&text, 16).map_err(|_| InvalidFingerprint)?;
        let [_, _, digits @ ..] = number.to_be_bytes();
        Ok(Self(digits))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn debug_output_shows_the_fingerprint_and_never_the_token() {
        let token = RefreshToken::new("eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY".to_owned());
        let shown = format!("{token:?}");
        assert!(!shown.contains("eyJ"), "{shown}");
        assert_eq!(shown, format!("RefreshToken({})", Fingerprint::of(token.expose())));
    }

    #[test]
    fn a_fingerprint_survives_the_journal() {
        let fingerprint = Fingerprint::of("x");
        let text = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), fingerprint);
        assert_eq!((text.len(), format!("\"{fingerprint:?}\"")), (14, text));
        for bad in ["zzzzzzzzzzzz", "+12345678901", "12345678901", "1234567890123", ""] {
            assert_eq!(Fingerprint::try_from(bad.to_owned()), Err(InvalidFingerprint), "{bad}");
        }
    }
}
