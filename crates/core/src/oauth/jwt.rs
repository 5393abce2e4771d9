//! What a JWT says (RFC 7519), unverified: it came over TLS from the server that is asked (OpenID Connect Core section
//! 3.1.3.7), and is believed in nothing that matters to anybody but us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::oauth::fields::seconds;

/// The claims of a JWT.
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a token; `None`: it is no JWT, or one that only its server can read.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let payload = parts.nth(1).filter(|_| parts.count() == 1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice(&payload).ok().map(Self)
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// When it expires (section 4.1.4), in seconds since 1970.
    pub(crate) fn exp(&self) -> Option<i64> {
        self.0.get("exp").and_then(seconds)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn what_is_no_jwt_says_nothing() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"a","exp":"7.5"}"#);
        let claims = Claims::of(&format!("e30.{payload}.c2ln")).unwrap();
        assert_eq!(
            (claims.text("sub"), claims.text("exp"), claims.text("x"), claims.exp()),
            (Some("a"), Some("7.5"), None, Some(7))
        );
        let list = URL_SAFE_NO_PAD.encode("[1]");
        for other in [
            "",
            "opaque",
            "a.b",
            &format!("e30.{payload}"),
            &format!("e30.{payload}.a.b.c"),
            &format!("e30.{list}.s"),
            "e30.%.s",
        ] {
            assert!(Claims::of(other).is_none(), "{other}");
        }
    }
}
