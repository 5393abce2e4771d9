//! What a JWT (RFC 7519) says of itself. Nothing here is verified, and the signature is not read: it is for showing, and to
//! bound how long a token is trusted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The two readable parts of a signed JWT.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// The header (RFC 7515 section 4).
    pub header: Map<String, Value>,
    /// The claims (RFC 7519 section 4).
    pub claims: Map<String, Value>,
}

impl Jwt {
    /// Reads a token in the compact form; `None`: it is opaque.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (header, claims) = (part(parts.next()?)?, part(parts.next()?)?);
        (parts.count() == 1).then_some(Self { header, claims })
    }
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_jwt_is_read_and_anything_else_is_opaque() {
        let jwt = Jwt::read("eyJhbGciOiJub25lIn0.eyJleHAiOjF9.").unwrap();
        assert_eq!((jwt.header["alg"].as_str(), jwt.claims["exp"].as_i64()), (Some("none"), Some(1)));
        for opaque in ["", "a", "a.b.c", "eyJhbGciOiJub25lIn0.eyJleHAiOjF9", "eyJhbGciOiJub25lIn0.WzFd.x", "a.b.c.d.e"]
        {
            assert!(Jwt::read(opaque).is_none(), "{opaque}");
        }
    }
}
