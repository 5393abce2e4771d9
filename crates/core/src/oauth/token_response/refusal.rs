//! The endpoint's own verdict that a person must log in, and nothing that only looks like it.

use jiff::Timestamp;

use crate::oauth::error::shown;
use crate::oauth::failure::{OAuthError, Refusal};
use crate::oauth::fields::Fields;
use crate::oauth::token_response::Answer;

/// Vault's documented 401 body, or an OAuth error that only a person can heal. Anything else is no verdict.
pub(super) fn read(answer: Answer<'_>, fields: &Fields, error: Option<&OAuthError>) -> Option<Refusal> {
    let documented = answer.http_status == 401 && fields.is_whole() && fields.text("status") == Some("UNAUTHORIZED");
    let ends_the_login = error.is_some_and(|error| error.code.ends_the_login());
    (documented || ends_the_login).then(|| Refusal {
        expired_at: fields.text("message").and_then(instant_in),
        trace_id: fields.visible("traceId").filter(|id| is_trace_id(id, answer.secrets)).map(str::to_owned),
        error: error.cloned(),
    })
}

/// The instant in "The Token has expired on 2025-01-01T00:00:00.000Z".
fn instant_in(message: &str) -> Option<Timestamp> {
    message.split_ascii_whitespace().find_map(|word| word.trim_end_matches('.').parse().ok())
}

/// An id that may stand in a journal: short, without the blanks of "TraceId unavailable", and nothing of what was sent.
fn is_trace_id(text: &str, secrets: &[&str]) -> bool {
    text.len() <= 128 && !text.contains(' ') && shown(text, secrets).as_deref() == Some(text)
}
