//! How long an access token lives: `expires_in`, else the JWT's `exp`, else what is usual at its server.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT, SANDBOX_ENDPOINT};
use crate::oauth::fields::seconds;

/// What Vault documents (`expires_in: 86400`).
const DOCUMENTED: SignedDuration = SignedDuration::from_hours(24);
/// What servers usually give (the example of RFC 6749 section 5.1).
const ELSEWHERE: SignedDuration = SignedDuration::from_hours(1);
/// A year: what claims to live longer is a mistake.
const LONGEST: i64 = 366 * 24 * 3600;

/// How long an access token of this endpoint lives, if its answer does not say.
#[must_use]
pub fn usual_lifetime(endpoint: &Endpoint) -> SignedDuration {
    let is_vault = PRODUCTION_ENDPOINT.parse().is_ok_and(|vault: Endpoint| vault.origin() == endpoint.origin());
    if is_vault || endpoint.as_str() == SANDBOX_ENDPOINT { DOCUMENTED } else { ELSEWHERE }
}

/// The lifetime; zero for a token that has expired by its own words, never less.
pub(super) fn read(
    expires_in: Option<&Value>,
    access_token: &str,
    usual: SignedDuration,
    now: Timestamp,
) -> SignedDuration {
    let said = expires_in.and_then(seconds).filter(|seconds| *seconds <= LONGEST);
    let by_jwt = || jwt_expiry(access_token).map(|exp| exp.saturating_sub(now.as_second()));
    let seconds = said.or_else(|| by_jwt().filter(|seconds| *seconds <= LONGEST));
    seconds.map_or(usual, |seconds| SignedDuration::from_secs(seconds.max(0)))
}

/// The `exp` claim (RFC 7519 section 4.1.4), unverified: it only bounds how long we trust our own token.
fn jwt_expiry(token: &str) -> Option<i64> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    seconds(serde_json::from_slice::<Value>(&payload).ok()?.get("exp")?)
}
