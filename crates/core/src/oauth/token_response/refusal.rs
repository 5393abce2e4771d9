//! The endpoint's own verdict that a person must log in, and nothing that only looks like it.

use jiff::Timestamp;
use serde_json::Value;

use super::{non_empty, object};
use crate::oauth::failure::Refusal;

/// Vault's documented 401 body, or RFC 6749 section 5.2's `invalid_grant`. Anything else is no verdict.
pub(super) fn read(http_status: u16, body: &[u8]) -> Option<Refusal> {
    let fields = object(body)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let documented = http_status == 401 && text("status") == Some("UNAUTHORIZED");
    let standard = text("error") == Some("invalid_grant");
    (documented || standard).then(|| Refusal {
        expired_at: text("message").and_then(instant_in),
        trace_id: non_empty(&fields, "traceId").filter(|id| is_trace_id(id)).map(str::to_owned),
    })
}

/// The instant in "The Token has expired on 2025-01-01T00:00:00.000Z".
fn instant_in(message: &str) -> Option<Timestamp> {
    message.split_ascii_whitespace().find_map(|word| word.trim_end_matches('.').parse().ok())
}

/// An id that may stand in a journal: short, and without the blanks of "TraceId unavailable".
fn is_trace_id(text: &str) -> bool {
    text.len() <= 128 && !text.contains(' ')
}
