//! How long an access token lives: the least of `expires_in` and what the JWT says of itself, else what is usual at its
//! server.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT, SANDBOX_ENDPOINT};
use crate::oauth::fields::{Fields, seconds};
use crate::oauth::jwt::Jwt;

/// What Vault documents (`expires_in: 86400`).
const DOCUMENTED: SignedDuration = SignedDuration::from_hours(24);
/// What servers usually give (the example of RFC 6749 section 5.1).
const ELSEWHERE: SignedDuration = SignedDuration::from_hours(1);
/// A year: what claims to live longer is a mistake.
const LONGEST: i64 = 366 * 24 * 3600;

/// Ten years: what claims to live longer does not end.
const LONGEST_LOGIN: i64 = 10 * LONGEST;
/// What servers call a refresh token's lifetime; the standard has no name for it.
const OF_REFRESH_TOKENS: [&str; 2] = ["refresh_expires_in", "refresh_token_expires_in"];

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
    // The `exp` claim is unverified: it only bounds how long we trust our own token.
    let by_jwt = Jwt::read(access_token).and_then(|jwt| lifetime_of(&jwt, said.is_some(), now));
    let seconds = said.into_iter().chain(by_jwt.filter(|seconds| *seconds <= LONGEST)).min();
    seconds.map_or(usual, |seconds| SignedDuration::from_secs(seconds.max(0)))
}

/// By the server's clock where the token tells when it was issued. The local clock alone decides nothing that the answer says.
fn lifetime_of(jwt: &Jwt, is_said: bool, now: Timestamp) -> Option<i64> {
    let from = match jwt.iat() {
        Some(issued) => issued,
        None if is_said => return None,
        None => now.as_second(),
    };
    Some(jwt.exp()?.saturating_sub(from)).filter(|seconds| *seconds > 0 || !is_said)
}

/// How long a refresh token lives: as the answer says, else the JWT's `exp`. Zero means that it does not end: servers say so of
/// offline tokens.
pub(super) fn of_refresh_token(fields: &Fields, refresh_token: Option<&str>, now: Timestamp) -> Option<SignedDuration> {
    let said = OF_REFRESH_TOKENS.into_iter().find_map(|name| fields.get(name).and_then(seconds));
    let by_jwt = || Some(Jwt::read(refresh_token?)?.exp()?.saturating_sub(now.as_second()));
    let seconds = said.or_else(by_jwt).filter(|seconds| (1..=LONGEST_LOGIN).contains(seconds))?;
    Some(SignedDuration::from_secs(seconds))
}
