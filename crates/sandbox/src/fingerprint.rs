//! What may be shown of a token.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// 6 bytes, 12 hexadecimal digits: enough to tell tokens apart, too few to guess one from.
const BYTES: usize = 6;

/// The first 12 hexadecimal digits of a token's SHA-256. The server knows its tokens by nothing else, so no
/// state of it holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; BYTES]);

/// A text that is no fingerprint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint has 12 hexadecimal digits: the first of the token's SHA-256")]
pub(crate) struct FingerprintError;

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        Self(std::array::from_fn(|index| digest[index]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.len() != 2 * BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FingerprintError);
        }
        let mut bytes = [0; BYTES];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| FingerprintError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_beginning_of_the_sha_256() {
        // `printf abc | sha256sum` (the example of FIPS 180-4)
        assert_eq!(Fingerprint::of("abc").to_string(), "ba7816bf8f01");
        assert_eq!("ba7816bf8f01".parse(), Ok(Fingerprint::of("abc")));
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in ["", "ba7816bf8f0", "ba7816bf8f012", "ba7816bf8f0g", "äääääääääääää"] {
            assert_eq!(text.parse::<Fingerprint>(), Err(FingerprintError), "{text}");
        }
    }
}
