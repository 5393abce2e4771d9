//! How long an access token lives: `expires_in`, else the JWT's `exp`, else 24 hours.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What Vault documents (`expires_in: 86400`), for an answer that does not say.
const DOCUMENTED: SignedDuration = SignedDuration::from_hours(24);
/// A year: what claims to live longer is a mistake.
const LONGEST: i64 = 366 * 24 * 3600;

pub(super) fn read(expires_in: Option<&Value>, access_token: &str, now: Timestamp) -> SignedDuration {
    expires_in
        .and_then(seconds)
        .filter(|seconds| is_sane(*seconds))
        .or_else(|| jwt_expiry(access_token).map(|exp| exp.saturating_sub(now.as_second())).filter(|s| is_sane(*s)))
        .map_or(DOCUMENTED, SignedDuration::from_secs)
}

const fn is_sane(seconds: i64) -> bool {
    0 < seconds && seconds <= LONGEST
}

/// Whole seconds, also from servers that write a string or a fraction. Rounded down: never promise more.
fn seconds(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (number.is_finite() && number.abs() < 1e18).then(|| number.floor() as i64)
}

/// The `exp` claim (RFC 7519 section 4.1.4), unverified: it only bounds how long we trust our own token.
fn jwt_expiry(token: &str) -> Option<i64> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    seconds(serde_json::from_slice::<Value>(&payload).ok()?.get("exp")?)
}
