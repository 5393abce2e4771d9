//! How far the endpoint's clock was from this machine's, by the `Date` of its last answer. Nothing is decided by it; it
//! is told to whoever looks for what is wrong.

use std::sync::{Mutex, PoisonError};

use evertoken_core::api::diagnosis::seconds_ahead;
use jiff::Timestamp;

/// Of all endpoints together: the question is whether this machine's clock is right.
static AHEAD: Mutex<Option<i64>> = Mutex::new(None);

/// Takes note of the `Date` header of an answer that has just come.
pub(crate) fn note(date: Option<&str>) {
    if let Some(ahead) = date.and_then(|date| seconds_ahead(date, Timestamp::now())) {
        *AHEAD.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }
}

/// In seconds; `None` before the first answer.
pub(crate) fn ahead() -> Option<i64> {
    *AHEAD.lock().unwrap_or_else(PoisonError::into_inner)
}
