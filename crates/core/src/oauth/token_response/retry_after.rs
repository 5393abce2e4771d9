//! `Retry-After`: seconds or a date (RFC 9110 section 10.2.3).

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// An IMF-fixdate (RFC 9110 section 5.6.7) reads as an RFC 2822 date.
const DATE: DateTimeParser = DateTimeParser::new();

pub(super) fn read(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(SignedDuration::MAX, SignedDuration::from_secs));
    }
    let at = DATE.parse_timestamp(text).ok()?;
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}
