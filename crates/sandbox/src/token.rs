//! Access and refresh tokens, and how they are made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::fingerprint::Fingerprint;

/// As much as an RSA signature of 2,048 bits, so that a token has the usual length when none is asked for.
const SIGNATURE_BYTES: usize = 256;
/// The least a signature is shortened to: 256 bits cannot be guessed.
const LEAST_SIGNATURE_BYTES: usize = 32;
/// Below this a refresh token is an opaque string; a JWT with its claims would be longer.
const SHORTEST_JWT: usize = 320;

/// Randomness for one exchange. Everything random in it (tokens, trace id, user id) derives from this, so that
/// the model stays a function of its arguments.
pub(crate) struct Seed([u8; 32]);

impl Seed {
    /// From the operating system.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    #[cfg(test)]
    pub(crate) fn of(number: u8) -> Self {
        Self([number; 32])
    }

    /// `length` bytes for the purpose that `label` names: SHA-256 in counter mode.
    fn bytes(&self, label: &str, length: usize) -> Vec<u8> {
        (0_u64..)
            .flat_map(|counter| {
                let mut hash = Sha256::new();
                hash.update(self.0);
                hash.update(counter.to_be_bytes());
                hash.update(label);
                <[u8; 32]>::from(hash.finalize())
            })
            .take(length)
            .collect()
    }

    /// `digits` lower-case hexadecimal digits.
    pub(crate) fn hex(&self, label: &str, digits: usize) -> String {
        let mut text: String = self.bytes(label, digits.div_ceil(2)).iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(digits);
        text
    }
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name(SecretString);

        impl $name {
            pub(crate) fn new(token: String) -> Self {
                Self(token.into())
            }

            pub(crate) fn expose(&self) -> &str {
                self.0.expose_secret()
            }

            pub(crate) fn fingerprint(&self) -> Fingerprint {
                Fingerprint::of(self.expose())
            }
        }
    };
}

secret!(
    /// An access token (RFC 6749 section 1.4).
    AccessToken
);
secret!(
    /// A refresh token (RFC 6749 section 1.5).
    RefreshToken
);

/// What a token says of itself.
pub(crate) struct Claims<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl AccessToken {
    /// A JWT of at least `at_least` bytes (a base64 signature cannot have every length: at most one more).
    pub(crate) fn mint(seed: &Seed, claims: &Claims<'_>, at_least: Option<usize>) -> Self {
        Self::new(jwt(seed, "access", claims, at_least))
    }
}

impl RefreshToken {
    /// A JWT, or an opaque string of exactly that many bytes where a JWT would be longer.
    pub(crate) fn mint(seed: &Seed, claims: &Claims<'_>, length: Option<usize>) -> Self {
        Self::new(match length {
            Some(length) if length < SHORTEST_JWT => {
                let mut text = URL_SAFE_NO_PAD.encode(seed.bytes("refresh", length));
                text.truncate(length);
                text
            }
            at_least => jwt(seed, "refresh", claims, at_least),
        })
    }
}

fn jwt(seed: &Seed, label: &str, claims: &Claims<'_>, at_least: Option<usize>) -> String {
    // Written out, because the field order makes the token begin as Vault's do: `eyJraWQiOi`.
    let header = format!(r#"{{"kid":"{}","alg":"RS256","typ":"JWT"}}"#, seed.hex("kid", 16));
    let payload = json!({
        "sub": claims.user_id,
        "iat": claims.issued_at.as_second(),
        "exp": claims.expires_at.as_second(),
        "jti": seed.hex(label, 16),
        "use": label,
    });
    let head = [header, payload.to_string()].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = match at_least {
        // Three bytes make four characters; one character is the dot.
        Some(total) => (total.saturating_sub(head.len() + 1) * 3).div_ceil(4).max(LEAST_SIGNATURE_BYTES),
        None => SIGNATURE_BYTES,
    };
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(seed.bytes(&format!("{label} signature"), signature)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use super::*;

    const CLAIMS: Claims<'_> = Claims {
        user_id: "usr:b06d9aaa-4310-4c0d-9e5343c1b35",
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    };

    #[test]
    fn an_access_token_looks_like_vaults() {
        let token = AccessToken::mint(&Seed::of(1), &CLAIMS, None);
        let parts: Vec<&str> = token.expose().split('.').collect();
        assert!(token.expose().starts_with("eyJraWQiOi"));
        assert_eq!(parts.len(), 3);
        let payload: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(payload["sub"], CLAIMS.user_id);
        assert_eq!((&payload["iat"], &payload["exp"]), (&json!(0), &json!(0)));
        assert!(URL_SAFE_NO_PAD.decode(parts[2]).is_ok());
    }

    #[test]
    fn the_length_is_as_asked() {
        for length in [400, 401, 402, 403, 2560, 2561, 9000] {
            let made = AccessToken::mint(&Seed::of(1), &CLAIMS, Some(length)).expose().len();
            assert!(made == length || made == length + 1, "{length}: {made}");
        }
        for length in [22, 27, 319] {
            assert_eq!(RefreshToken::mint(&Seed::of(1), &CLAIMS, Some(length)).expose().len(), length);
        }
        assert!(RefreshToken::mint(&Seed::of(1), &CLAIMS, Some(320)).expose().starts_with("eyJraWQiOi"));
    }

    #[test]
    fn no_two_tokens_are_the_same() {
        let (one, two) = (Seed::of(1), Seed::of(2));
        let mut all = vec![
            AccessToken::mint(&one, &CLAIMS, None).fingerprint(),
            AccessToken::mint(&two, &CLAIMS, None).fingerprint(),
            RefreshToken::mint(&one, &CLAIMS, None).fingerprint(),
            RefreshToken::mint(&two, &CLAIMS, Some(27)).fingerprint(),
        ];
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn debug_output_shows_no_token() {
        let shown = format!("{:?} {:?}", AccessToken::new("secret".into()), RefreshToken::new("secret".into()));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
