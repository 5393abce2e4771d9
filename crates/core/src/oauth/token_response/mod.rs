//! What the endpoint's answer means (RFC 6749 sections 5.1 and 5.2, and Vault's own error body).

mod lifetime;
mod refusal;
mod retry_after;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub use self::lifetime::usual_lifetime;
use crate::oauth::cleaned::cleaned;
use crate::oauth::failure::{ErrorCode, Failure, OAuthError, OutcomeUnknown};
use crate::oauth::fields::Fields;
use crate::oauth::id_token::{IdToken, is_user_id};
use crate::oauth::token::{AccessToken, RefreshToken};

/// The longest answer that is read, in bytes: two tokens of 64 KiB and more beside them. Whatever a hostile server writes
/// into it, the keychain file takes it, and has room for other accounts.
pub const LONGEST_ANSWER: usize = 192 << 10;
/// The longest name of a scope that is kept, in characters.
pub(crate) const LONGEST_SCOPE: usize = 200;

/// An answer as it came over the wire.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub http_status: u16,
    /// The `Retry-After` header (RFC 9110 section 10.2.3).
    pub retry_after: Option<&'a str>,
    /// The body, at most [`LONGEST_ANSWER`].
    pub body: &'a [u8],
    /// Why there is no more of the body, if it broke off.
    pub broken: Option<OutcomeUnknown>,
    /// What was sent and must not be repeated: some servers quote it in their description of an error.
    pub secrets: &'a [&'a str],
}

/// New tokens. Its `Debug` shows fingerprints only.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The new access token. Where the answer has none that can be used, it is empty and has a lifetime of zero: the new
    /// refresh token counts all the same.
    pub access_token: AccessToken,
    /// The new refresh token; absent when the server does not rotate: keep the old one.
    pub refresh_token: Option<RefreshToken>,
    /// How long the refresh token lives, from the moment the request was sent, if the server says so.
    pub refresh_lifetime: Option<SignedDuration>,
    /// How long the access token lives, from the moment the request was sent. Zero: it has expired already.
    pub lifetime: SignedDuration,
    /// What it may do.
    pub scope: Vec<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// What its ID token says, if one came.
    pub id_token: Option<IdToken>,
}

/// Reads an answer. `usual` is how long an access token lives if the answer does not say; `now` is needed for a
/// `Retry-After` that is a date and a JWT's `exp`.
///
/// # Errors
/// The [`Failure`] that the answer amounts to.
pub fn read(answer: Answer<'_>, usual: SignedDuration, now: Timestamp) -> Result<Grant, Failure> {
    let fields = if answer.broken.is_some() { Fields::read_broken(answer.body) } else { Fields::read(answer.body) };
    let granted = (200..300).contains(&answer.http_status).then(|| granted(&fields, usual, now)).flatten();
    granted.ok_or_else(|| match answer.broken {
        Some(outcome) => Failure::OutcomeUnknown(outcome),
        None => failure(answer, &fields, now),
    })
}

fn failure(answer: Answer<'_>, fields: &Fields, now: Timestamp) -> Failure {
    if let Some(failure) = said(answer, fields, now) {
        return failure;
    }
    match answer.http_status {
        204 | 205 => unexpected(answer, None),
        200..=299 if fields.error().is_none() => {
            let page = is_web_page(answer.body);
            Failure::OutcomeUnknown(if page { OutcomeUnknown::WebPage } else { OutcomeUnknown::Unreadable })
        }
        429 => later(answer, now),
        503 if answer.retry_after.is_some() => later(answer, now),
        500..=599 => Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: answer.http_status }),
        _ => unexpected(answer, None),
    }
}

/// What the server itself says, whatever the status: the error counts. A proxy speaks for itself (407), a redirect says
/// nothing about tokens, and a server that is busy or failing has not looked at them.
fn said(answer: Answer<'_>, fields: &Fields, now: Timestamp) -> Option<Failure> {
    if !speaks(answer.http_status) {
        return None;
    }
    let error = OAuthError::read(fields, answer.secrets);
    if let Some(refusal) = refusal::read(answer, fields, error.as_ref()) {
        return Some(Failure::AuthorizationRequired(refusal));
    }
    let error = error?;
    Some(match error.code {
        ErrorCode::TemporarilyUnavailable | ErrorCode::SlowDown => later(answer, now),
        ErrorCode::ServerError => {
            Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: answer.http_status })
        }
        ErrorCode::InvalidClient
        | ErrorCode::UnauthorizedClient
        | ErrorCode::InvalidRequest
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::InvalidGrant
        | ErrorCode::BadRefreshToken
        | ErrorCode::InteractionRequired
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::AccountSelectionRequired => unexpected(answer, Some(error)),
    })
}

/// Does the server itself speak in an answer of this status?
pub(crate) const fn speaks(http_status: u16) -> bool {
    matches!(http_status, 200..=299 | 400..=499) && !matches!(http_status, 407 | 429)
}

/// An answer that is no verdict on the login.
pub(crate) fn unexpected(answer: Answer<'_>, error: Option<OAuthError>) -> Failure {
    Failure::UnexpectedAnswer { http_status: answer.http_status, error, web_page: is_web_page(answer.body) }
}

/// A page for a person: a proxy's, a firewall's, or that of a network which wants to be signed in to.
pub(crate) fn is_web_page(body: &[u8]) -> bool {
    /// In bytes. Comments and an XML declaration may come first.
    const START: usize = 1024;
    let start = String::from_utf8_lossy(&body[..body.len().min(START)]).to_ascii_lowercase();
    let start = start.trim_start_matches(|c: char| c == '\u{feff}' || c.is_whitespace());
    start.starts_with('<') && ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.contains(tag))
}

fn later(answer: Answer<'_>, now: Timestamp) -> Failure {
    let retry_after = answer.retry_after.and_then(|text| retry_after::read(text, now));
    Failure::RetryLater { retry_after, http_status: answer.http_status }
}

/// A new refresh token is a grant, whatever else is wrong with the answer. Without one, the answer has to be whole and to
/// bring an access token that can be used.
fn granted(fields: &Fields, usual: SignedDuration, now: Timestamp) -> Option<Grant> {
    let (access_token, refresh_token) = (access_token(fields), refresh_token(fields));
    if refresh_token.is_none() && (access_token.is_none() || !fields.is_whole()) {
        return None;
    }
    let expires_in = fields.get("expires_in");
    let id_token = fields.text("id_token").map(IdToken::read);
    Some(Grant {
        lifetime: access_token.map_or(SignedDuration::ZERO, |token| lifetime::read(expires_in, token, usual, now)),
        access_token: AccessToken::new(access_token.unwrap_or_default().to_owned()),
        refresh_lifetime: lifetime::of_refresh_token(fields, refresh_token, now),
        refresh_token: refresh_token.map(|token| RefreshToken::new(token.to_owned())),
        scope: scope(fields.get("scope")),
        user_id: user_id(fields, id_token.as_ref()),
        id_token,
    })
}

/// Whose the tokens are: as the answer says, or as its ID token does.
fn user_id(fields: &Fields, id_token: Option<&IdToken>) -> Option<String> {
    let said = fields.text("user_id").filter(|user| is_user_id(user)).map(str::to_owned);
    said.or_else(|| id_token?.subject.clone())
}

/// The new refresh token, whatever characters it has: it only travels inside JSON or a form, and dropping it would
/// end the login.
fn refresh_token(fields: &Fields) -> Option<&str> {
    fields.text("refresh_token")
}

/// A token that fits into a header, an environment and a line of text: ASCII without blanks.
fn access_token(fields: &Fields) -> Option<&str> {
    fields.text("access_token").filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn scope(value: Option<&Value>) -> Vec<String> {
    let words = value.and_then(Value::as_str).unwrap_or_default().split_ascii_whitespace();
    words.map(|word| cleaned(word, LONGEST_SCOPE)).filter(|word| !word.is_empty()).collect()
}

/// What a person gave to log in with: a refresh token, or a whole token response as JSON.
///
/// # Errors
/// [`UnusableCredential`] with one sentence that does not repeat the input.
pub fn read_credential(text: &str) -> Result<RefreshToken, UnusableCredential> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(UnusableCredential::Empty);
    }
    if text.len() > LONGEST_CREDENTIAL {
        return Err(UnusableCredential::TooLong);
    }
    if is_token_response(text) {
        let fields = Fields::read(text.as_bytes());
        let token = refresh_token(&fields).map(|token| RefreshToken::new(token.to_owned()));
        let missing = if fields.is_whole() { UnusableCredential::NoRefreshToken } else { UnusableCredential::NotJson };
        return token.ok_or(missing);
    }
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(RefreshToken::new(text.to_owned()))
    } else {
        Err(UnusableCredential::NotAToken)
    }
}

/// Whose login it is, if the credential is a token response that says so.
#[must_use]
pub fn user_id_in(credential: &str) -> Option<String> {
    let text = credential.trim_start_matches('\u{feff}').trim();
    if !is_token_response(text) {
        return None;
    }
    let fields = Fields::read(text.as_bytes());
    user_id(&fields, fields.text("id_token").map(IdToken::read).as_ref())
}

/// Is it a whole token response, as JSON or as a form?
fn is_token_response(text: &str) -> bool {
    text.starts_with('{') || text.starts_with("refresh_token=") || text.contains("&refresh_token=")
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
