//! What servers call an error: the names of RFC 6749 section 5.2 and of its extensions, and what follows from each.

use serde::Deserialize;

use crate::oauth::cleaned::cleaned;
use crate::oauth::fields::Fields;

/// Longest part of a server's description that is shown, in characters.
pub(crate) const LONGEST_DESCRIPTION: usize = 200;
/// A secret of fewer bytes is none, and its letters stand in many words.
const SHORTEST_SECRET: usize = 4;
/// A longer run of characters without a blank may be a token, and is not repeated.
const LONGEST_WORD: usize = 40;

/// What a server calls it, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`.
    pub code: ErrorCode,
    /// `error_description`, cleaned, bounded, and without any secret that was sent.
    pub description: Option<String>,
}

/// An error that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The client is unknown, or its secret is wrong.
    InvalidClient,
    /// The client may not refresh.
    UnauthorizedClient,
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The endpoint does not refresh.
    UnsupportedGrantType,
    /// The extra parameter `scope` asks for what was not granted.
    InvalidScope,
    /// The extra parameter `resource` (RFC 8707 section 2).
    InvalidTarget,
    /// The refresh token has expired, was revoked or belongs to somebody else.
    InvalidGrant,
    /// The same in another server's words.
    BadRefreshToken,
    /// A person has to do something at the server (OpenID Connect Core section 3.1.2.6).
    InteractionRequired,
    /// A person has to sign in there.
    LoginRequired,
    /// A person has to agree there.
    ConsentRequired,
    /// A person has to choose an account there.
    AccountSelectionRequired,
    /// The server failed (RFC 6749 section 4.1.2.1, also seen here).
    ServerError,
    /// The server is busy.
    TemporarilyUnavailable,
    /// The server is asked too often.
    SlowDown,
}

impl OAuthError {
    /// The error in an answer, if it is known. `secrets` are what was sent: a server that repeats them is not repeated.
    pub(crate) fn read(fields: &Fields, secrets: &[&str]) -> Option<Self> {
        let code = ErrorCode::named(fields.error()?)?;
        let description = fields.text("error_description").and_then(|text| shown(text, secrets));
        Some(Self { code, description })
    }

    /// The start of a sentence about it.
    #[must_use]
    pub fn in_words(&self) -> String {
        self.as_cause_of(self.code.meaning())
    }

    /// What it is the cause of, with the server's words.
    #[must_use]
    pub fn as_cause_of(&self, meaning: &str) -> String {
        format!("{meaning} ({})", self.words())
    }

    /// The server's own words.
    #[must_use]
    pub fn words(&self) -> String {
        let description = self.description.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        format!("{}{description}", self.code.name())
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        self.code.advice()
    }
}

/// A server's description without secrets, for a sentence; `None` if nothing of it can be shown.
pub(crate) fn shown(description: &str, secrets: &[&str]) -> Option<String> {
    let mut text = description.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
        text = text.replace(secret, "…");
    }
    let words = text.split_whitespace().map(|word| if word.chars().count() > LONGEST_WORD { "…" } else { word });
    let text = cleaned(&words.collect::<Vec<_>>().join(" "), LONGEST_DESCRIPTION);
    let text = text.trim_end_matches('.');
    (!text.is_empty()).then(|| text.to_owned())
}

impl ErrorCode {
    fn named(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    /// As the server writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidRequest => "invalid_request",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidGrant => "invalid_grant",
            Self::BadRefreshToken => "bad_refresh_token",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::SlowDown => "slow_down",
        }
    }

    /// Is it the client that is refused, whatever token it presents?
    #[must_use]
    pub const fn refuses_the_client(self) -> bool {
        matches!(self, Self::InvalidClient | Self::UnauthorizedClient)
    }

    /// Does only a person heal it, by logging in again?
    #[must_use]
    pub const fn ends_the_login(self) -> bool {
        match self {
            Self::InvalidGrant
            | Self::BadRefreshToken
            | Self::InteractionRequired
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired
            | Self::UnauthorizedClient => true,
            Self::InvalidClient
            | Self::InvalidRequest
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::ServerError
            | Self::TemporarilyUnavailable
            | Self::SlowDown => false,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::InvalidClient => "the endpoint does not accept the client id or the client secret",
            Self::UnauthorizedClient => "the endpoint does not let this client id refresh tokens",
            Self::InvalidRequest => "the endpoint does not understand the request",
            Self::UnsupportedGrantType => "the endpoint does not refresh tokens",
            Self::InvalidScope => "the endpoint does not grant the parameter scope",
            Self::InvalidTarget => "the endpoint does not grant the parameter resource",
            Self::InvalidGrant | Self::BadRefreshToken => "the endpoint refused the login",
            Self::InteractionRequired
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired => "the server wants you to sign in there again",
            Self::ServerError => "the endpoint failed",
            Self::TemporarilyUnavailable | Self::SlowDown => "the endpoint asks to try again later",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::InvalidClient => {
                "Log in again with the right --client-id and --client-secret, or another --auth-method."
            }
            Self::UnauthorizedClient => {
                "Ask the people who run the server to allow refresh tokens for this client, then log in again."
            }
            Self::InvalidRequest | Self::UnsupportedGrantType => {
                "Check --endpoint, --encoding, --client-id and --parameter with the server's documentation."
            }
            Self::InvalidScope => "Log in again with another --parameter or --token-parameter scope=…, or without it.",
            Self::InvalidTarget => "Log in again with another --parameter resource=…, or without it.",
            Self::InvalidGrant
            | Self::BadRefreshToken
            | Self::InteractionRequired
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired => "Log in again.",
            Self::ServerError | Self::TemporarilyUnavailable | Self::SlowDown => "Try again later.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_shown_without_the_secrets_that_were_sent_and_without_other_tokens() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        for (description, said) in [
            ("Token has been expired or revoked.", Some("Token has been expired or revoked")),
            ("Invalid refresh token: 8xLOxBtZp8", Some("Invalid refresh token: …")),
            ("Invalid refresh token (8xLOxBtZp8)!", Some("Invalid refresh token (…)!")),
            (&format!("{jwt} is spent"), Some("… is spent")),
            ("\u{9b}2Jno\u{202e}", Some("2Jno")),
            (" \u{1b} ", None),
            (&"x".repeat(LONGEST_WORD), Some(&"x".repeat(LONGEST_WORD))),
            (&"x".repeat(LONGEST_WORD + 1), Some("…")),
        ] {
            assert_eq!(shown(description, &["8xLOxBtZp8", "e"]).as_deref(), said, "{description:?}");
        }
        assert_eq!(shown(&"ab ".repeat(400), &[]).map(|text| text.chars().count()), Some(LONGEST_DESCRIPTION));
    }

    #[test]
    fn each_error_says_what_a_person_can_do() {
        for (code, advice) in [
            (ErrorCode::InvalidClient, "--client-secret"),
            (ErrorCode::UnauthorizedClient, "Ask the people who run the server"),
            (ErrorCode::InvalidRequest, "Check --endpoint"),
            (ErrorCode::UnsupportedGrantType, "Check --endpoint"),
            (ErrorCode::InvalidScope, "scope=…"),
            (ErrorCode::InvalidTarget, "resource=…"),
            (ErrorCode::InvalidGrant, "Log in again."),
            (ErrorCode::BadRefreshToken, "Log in again."),
            (ErrorCode::InteractionRequired, "Log in again."),
            (ErrorCode::LoginRequired, "Log in again."),
            (ErrorCode::ConsentRequired, "Log in again."),
            (ErrorCode::AccountSelectionRequired, "Log in again."),
            (ErrorCode::ServerError, "Try again later."),
            (ErrorCode::TemporarilyUnavailable, "Try again later."),
            (ErrorCode::SlowDown, "Try again later."),
        ] {
            let error = OAuthError { code, description: None };
            assert!(error.advice().contains(advice), "{code:?}: {}", error.advice());
        }
    }

    #[test]
    fn each_error_is_read_by_the_name_that_it_is_shown_by() {
        for code in [
            ErrorCode::InvalidClient,
            ErrorCode::InvalidGrant,
            ErrorCode::BadRefreshToken,
            ErrorCode::AccountSelectionRequired,
            ErrorCode::TemporarilyUnavailable,
            ErrorCode::SlowDown,
        ] {
            assert_eq!(ErrorCode::named(code.name()), Some(code));
        }
        assert_eq!(ErrorCode::named("COMMON"), None);
    }
}
