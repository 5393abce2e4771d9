//! What a JWT (RFC 7519) says of itself. Nothing here is verified, and the signature is not read: it came over TLS from the
//! server that is asked (OpenID Connect Core section 3.1.3.7), is shown, and bounds how long a token is trusted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::oauth::fields::seconds;

/// The two readable parts of a signed JWT.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// The header (RFC 7515 section 4).
    pub header: Map<String, Value>,
    /// The claims (RFC 7519 section 4).
    pub claims: Map<String, Value>,
}

impl Jwt {
    /// Reads a token in the compact form; `None`: it is opaque, or one that only its server can read.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (header, claims) = (part(parts.next()?)?, part(parts.next()?)?);
        (parts.count() == 1).then_some(Self { header, claims })
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// When it was issued (section 4.1.6), in seconds since 1970.
    pub(crate) fn iat(&self) -> Option<i64> {
        self.claims.get("iat").and_then(seconds)
    }

    /// When it expires (section 4.1.4), in seconds since 1970.
    pub(crate) fn exp(&self) -> Option<i64> {
        self.claims.get("exp").and_then(seconds)
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
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"a","exp":"7.5"}"#);
        let jwt = Jwt::read(&format!("eyJhbGciOiJub25lIn0.{payload}.")).unwrap();
        assert_eq!(jwt.header["alg"], "none");
        assert_eq!(
            (jwt.text("sub"), jwt.text("exp"), jwt.text("x"), jwt.exp()),
            (Some("a"), Some("7.5"), None, Some(7))
        );
        let list = URL_SAFE_NO_PAD.encode("[1]");
        let unsigned = format!("e30.{payload}");
        for opaque in
            ["", "opaque", "a.b", "a.b.c", &unsigned, &format!("{unsigned}.a.b.c"), &format!("e30.{list}.s"), "e30.%.s"]
        {
            assert!(Jwt::read(opaque).is_none(), "{opaque}");
        }
    }
}
