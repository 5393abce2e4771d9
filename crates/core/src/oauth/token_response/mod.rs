//! What the endpoint's answer means (RFC 6749 sections 5.1 and 5.2, and Vault's own error body).

mod lifetime;
mod refusal;
mod retry_after;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::oauth::failure::{ErrorCode, Failure, OutcomeUnknown};
use crate::oauth::token::{AccessToken, RefreshToken};

/// The longest answer that is read, in bytes. Vault's tokens take a few kilobytes; 1 MiB leaves room and bounds
/// the memory that a hostile answer can take.
pub const LONGEST_ANSWER: usize = 1 << 20;

/// An answer as it came over the wire.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub http_status: u16,
    /// The `Retry-After` header (RFC 9110 section 10.2.3).
    pub retry_after: Option<&'a str>,
    /// The body, whole, at most [`LONGEST_ANSWER`].
    pub body: &'a [u8],
}

/// New tokens. Its `Debug` shows fingerprints only.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The new access token.
    pub access_token: AccessToken,
    /// The new refresh token; absent when the server does not rotate: keep the old one.
    pub refresh_token: Option<RefreshToken>,
    /// How long the access token lives, from the moment the request was sent.
    pub lifetime: SignedDuration,
    /// What it may do.
    pub scope: Vec<String>,
    /// Whose it is.
    pub user_id: Option<String>,
}

/// Reads an answer. `now` is needed for a `Retry-After` that is a date and a JWT's `exp`.
///
/// # Errors
/// The [`Failure`] that the answer amounts to.
pub fn read(answer: Answer<'_>, now: Timestamp) -> Result<Grant, Failure> {
    match answer.http_status {
        200 => granted(answer.body, now).ok_or(Failure::OutcomeUnknown(OutcomeUnknown::Unreadable)),
        400 | 401 => refusal::read(answer.http_status, answer.body)
            .map_or_else(|| Err(odd(answer)), |refusal| Err(Failure::AuthorizationRequired(refusal))),
        429 => Err(later(answer, now)),
        503 if answer.retry_after.is_some() => Err(later(answer, now)),
        500..=599 => Err(Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: answer.http_status })),
        _ => Err(odd(answer)),
    }
}

fn odd(answer: Answer<'_>) -> Failure {
    Failure::Odd { http_status: answer.http_status, error: ErrorCode::read(answer.http_status, answer.body) }
}

fn later(answer: Answer<'_>, now: Timestamp) -> Failure {
    let retry_after = answer.retry_after.and_then(|text| retry_after::read(text, now));
    Failure::Later { retry_after, http_status: answer.http_status }
}

fn granted(body: &[u8], now: Timestamp) -> Option<Grant> {
    let fields = object(body)?;
    let access_token = token(&fields, "access_token")?.to_owned();
    Some(Grant {
        lifetime: lifetime::read(fields.get("expires_in"), &access_token, now),
        access_token: AccessToken::new(access_token),
        refresh_token: refresh_token(&fields).map(|token| RefreshToken::new(token.to_owned())),
        scope: scope(fields.get("scope")),
        user_id: non_empty(&fields, "user_id").map(str::to_owned),
    })
}

/// Each field is read by itself: one that is nested too deeply, too large a number or no UTF-8 must not cost the new
/// refresh token beside it.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    // RFC 8259 section 8.1 lets us ignore a byte order mark.
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let readable = fields.into_iter().filter_map(|(name, raw)| Some((name, serde_json::from_str(raw.get()).ok()?)));
    Some(readable.collect())
}

/// The new refresh token, whatever characters it has: it only travels inside JSON or a form, and dropping it would
/// end the login.
fn refresh_token(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("refresh_token")?.as_str().filter(|text| !text.is_empty())
}

/// A token that fits into a header, an environment and a line of text: ASCII without blanks.
fn token<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    non_empty(fields, name).filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// A text of visible ASCII (RFC 6749 appendix A).
fn non_empty<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str().filter(|text| !text.is_empty() && text.bytes().all(|b| (0x20..=0x7e).contains(&b)))
}

fn scope(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_str).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
}

/// What a person gave to log in with: a refresh token, or a whole token response as JSON.
///
/// # Errors
/// [`UnusableCredential`] with one sentence that does not repeat the input.
pub fn read_credential(text: &str) -> Result<RefreshToken, UnusableCredential> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UnusableCredential::Empty);
    }
    if text.len() > LONGEST_CREDENTIAL {
        return Err(UnusableCredential::TooLong);
    }
    if text.starts_with('{') {
        let fields = object(text.as_bytes()).ok_or(UnusableCredential::NotJson)?;
        let token = refresh_token(&fields).ok_or(UnusableCredential::NoRefreshToken)?;
        return Ok(RefreshToken::new(token.to_owned()));
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(RefreshToken::new(text.to_owned()))
    } else {
        Err(UnusableCredential::NotAToken)
    }
}

/// Whose login it is, if what was given is a token response that says so.
#[must_use]
pub fn user_id_in(credential: &str) -> Option<String> {
    let text = credential.trim();
    if !text.starts_with('{') || text.len() > LONGEST_CREDENTIAL {
        return None;
    }
    non_empty(&object(text.as_bytes())?, "user_id").map(str::to_owned)
}

/// The longest credential in bytes: far above any token, far below what hurts.
pub const LONGEST_CREDENTIAL: usize = 64 << 10;

/// Why an input is no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableCredential {
    /// Nothing was given.
    #[error("no refresh token was given")]
    Empty,
    /// Longer than 64 KiB.
    #[error("the input is longer than a refresh token can be (64 KiB)")]
    TooLong,
    /// It starts like JSON and is none.
    #[error("the input looks like JSON but cannot be read as a token response")]
    NotJson,
    /// JSON without a refresh token.
    #[error("the token response has no refresh_token in it")]
    NoRefreshToken,
    /// Spaces, several lines, or characters that no token has.
    #[error("the input is not a refresh token: it has spaces, several lines or unusual characters")]
    NotAToken,
}

#[cfg(test)]
mod tests;
