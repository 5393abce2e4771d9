//! The bodies and status codes of the contract and of its older dialects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::grant::Grant;
use crate::request_error::RequestError;
use crate::token_request::Dialect;
use crate::verdict::{AccessRefusal, Refusal};

/// An answer before it is HTTP. Its body may hold tokens.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    /// By name in lower case.
    headers: BTreeMap<String, String>,
    body: SecretString,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: BTreeMap::new(), body: SecretString::default() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let mut answer = Self::empty(status);
        answer.replace_body("application/json", body.to_string());
        answer
    }

    /// The older shape, for everything that has nothing to do with a token.
    pub(crate) fn common(status: u16, message: &str) -> Self {
        let body = json!({"error": "COMMON", "errorId": 0, "message": message, "systemId": "core"});
        Self::json(status, &body)
    }

    /// The documented 401.
    fn unauthorized(message: &str, trace_id: &str) -> Self {
        let body = json!({"status": "UNAUTHORIZED", "message": message, "traceId": trace_id, "errors": []});
        Self::json(401, &body)
    }

    pub(crate) fn granted(grant: &Grant) -> Self {
        Self::json(200, &grant.to_json()).not_stored()
    }

    /// A refresh token that is no good.
    pub(crate) fn refused(refusal: Refusal, dialect: Dialect, trace_id: &str) -> Self {
        match dialect {
            Dialect::Reference => match refusal {
                Refusal::Expired { at } => Self::unauthorized(&expired(at), trace_id),
                Refusal::Unknown | Refusal::Revoked | Refusal::Replayed => {
                    Self::unauthorized("The Token is invalid", trace_id)
                }
            },
            Dialect::OAuth | Dialect::Revocation => Self::json(400, &json!({"error": "invalid_grant"})).not_stored(),
        }
    }

    /// An error of a standard server (RFC 6749 section 5.2, RFC 8628 section 3.5).
    pub(crate) fn error(code: &str) -> Self {
        Self::json(400, &json!({"error": code})).not_stored()
    }

    /// A page for a person.
    pub(crate) fn page(status: u16, html: String) -> Self {
        let mut answer = Self::empty(status).with_header("content-security-policy", "default-src 'none'").not_stored();
        answer.replace_body("text/html; charset=utf-8", html);
        answer
    }

    /// Sends a browser on.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::empty(303).with_header("location", location).not_stored()
    }

    /// A request that never got as far as its token.
    pub(crate) fn invalid(error: &RequestError, dialect: Dialect) -> Self {
        let status = error.status();
        let answer = match dialect {
            Dialect::Reference if *error != RequestError::Client => Self::common(status, &error.to_string()),
            Dialect::Reference | Dialect::OAuth | Dialect::Revocation => {
                let body = json!({"error": error.code(), "error_description": error.to_string()});
                Self::json(status, &body).not_stored()
            }
        };
        match status {
            401 => answer.with_header("www-authenticate", r#"Basic realm="evertoken-sandbox""#),
            405 => answer.with_header("allow", "POST"),
            _ => answer,
        }
    }

    /// A resource asked for without a good access token (RFC 6750 section 3).
    pub(crate) fn no_access(refusal: AccessRefusal, trace_id: &str) -> Self {
        let message = match refusal {
            AccessRefusal::Expired { at } => expired(at),
            AccessRefusal::Invalid => "The Token is invalid".into(),
        };
        Self::unauthorized(&message, trace_id).with_header("www-authenticate", r#"Bearer error="invalid_token""#)
    }

    /// A resource asked for without any access token: no error code then (RFC 6750 section 3.1).
    pub(crate) fn no_credentials(trace_id: &str) -> Self {
        Self::unauthorized("The Token is missing", trace_id).with_header("www-authenticate", "Bearer")
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    #[cfg(test)]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn body(&self) -> &str {
        self.body.expose_secret()
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.insert(name.to_ascii_lowercase(), value.into());
    }

    pub(crate) fn replace_body(&mut self, content_type: &str, body: String) {
        self.set_header("content-type", content_type);
        self.body = body.into();
    }

    fn with_header(mut self, name: &str, value: &str) -> Self {
        self.set_header(name, value);
        self
    }

    /// Tokens are not for caches (RFC 6749 section 5.1).
    fn not_stored(self) -> Self {
        self.with_header("cache-control", "no-store").with_header("pragma", "no-cache")
    }
}

fn expired(at: Timestamp) -> String {
    format!("The Token has expired on {at:.3}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

    use super::*;

    fn body(answer: &Answer) -> Value {
        serde_json::from_str(answer.body()).unwrap()
    }

    #[test]
    fn an_expired_refresh_token_gets_the_documented_body() {
        let at = "2025-01-01T00:00:00Z".parse().unwrap();
        let answer = Answer::refused(Refusal::Expired { at }, Dialect::Reference, "TraceId unavailable");
        assert_eq!(answer.status(), 401);
        assert_eq!(
            body(&answer),
            json!({
                "status": "UNAUTHORIZED",
                "message": "The Token has expired on 2025-01-01T00:00:00.000Z",
                "traceId": "TraceId unavailable",
                "errors": []
            })
        );
    }

    #[test]
    fn a_revoked_one_gets_the_same_shape_without_an_instant() {
        for refusal in [Refusal::Unknown, Refusal::Revoked, Refusal::Replayed] {
            let answer = Answer::refused(refusal, Dialect::Reference, "t");
            assert_eq!((answer.status(), &body(&answer)["message"]), (401, &json!("The Token is invalid")));
        }
    }

    #[test]
    fn standard_servers_say_invalid_grant() {
        let answer = Answer::refused(Refusal::Unknown, Dialect::OAuth, "t");
        assert_eq!((answer.status(), body(&answer)), (400, json!({"error": "invalid_grant"})));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }

    #[test]
    fn debug_output_shows_no_body() {
        assert!(!format!("{:?}", Answer::common(400, "secret")).contains("secret"));
    }

    #[test]
    fn a_resource_says_how_to_authenticate() {
        let header = |answer: Answer| answer.header("www-authenticate").map(String::from);
        let refused = Answer::no_access(AccessRefusal::Invalid, "t");
        assert_eq!(header(refused).as_deref(), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(header(Answer::no_credentials("t")).as_deref(), Some("Bearer"));
    }
}
