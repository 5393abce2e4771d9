//! How a token request can fail, as the decisions that follow from it. No response body in any of them.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::login::token_store::KeychainProblem;

/// Why there is no new access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request never left this machine: the refresh token is untouched.
    NotSent(NotSent),
    /// The request was sent and no readable answer came: the server may have rotated.
    OutcomeUnknown(OutcomeUnknown),
    /// The endpoint asks to come back later.
    Later {
        /// After how long, if it said so.
        retry_after: Option<SignedDuration>,
        /// The HTTP status.
        http_status: u16,
    },
    /// An answer that is no verdict on the login.
    Odd {
        /// The HTTP status.
        http_status: u16,
        /// What the server calls it, if it says so as the standard has it.
        error: Option<ErrorCode>,
    },
    /// The endpoint refused the refresh token: a person must log in.
    AuthorizationRequired(Refusal),
    /// The endpoint granted tokens of another user than the one whose login the account holds.
    AnotherUser(AnotherUser),
    /// The keychain cannot be used, so that nothing was sent.
    Keychain(KeychainProblem),
    /// The journal cannot be written, so that nothing was sent.
    Journal,
}

/// Whose the account is, and whose the login that was refused for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnotherUser {
    /// The `user_id` of the login that the account holds.
    pub account: String,
    /// The `user_id` of the new login.
    pub login: String,
}

impl AnotherUser {
    /// Do both know their user, and is it not the same?
    #[must_use]
    pub fn between(account: Option<&str>, login: Option<&str>) -> Option<Self> {
        let (account, login) = (account?, login?);
        (account != login).then(|| Self { account: account.to_owned(), login: login.to_owned() })
    }
}

/// Why a request did not leave this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// The host name could not be resolved.
    Dns,
    /// No connection to the host, or to the proxy before it.
    Connect,
    /// The server's certificate or the TLS handshake is not acceptable.
    Tls,
    /// The request itself cannot be built.
    Malformed,
}

/// What happened instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeUnknown {
    /// No answer in time.
    TimedOut,
    /// The connection ended before the answer did.
    Interrupted,
    /// A 200 that cannot be read as a token response.
    Unreadable,
    /// The server failed (5xx).
    ServerError {
        /// The HTTP status.
        http_status: u16,
    },
}

impl OutcomeUnknown {
    /// Was a rotation likely committed, and only its answer lost?
    #[must_use]
    pub const fn loses_an_answer(self) -> bool {
        match self {
            Self::TimedOut | Self::Interrupted | Self::Unreadable => true,
            Self::ServerError { .. } => false,
        }
    }
}

/// The errors of RFC 6749 section 5.2 that are no verdict on the login: the account's settings are at fault.
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
}

impl ErrorCode {
    /// The error in an answer, if it is one of these.
    #[must_use]
    pub fn read(http_status: u16, body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorCode,
        }
        let speaks = matches!(http_status, 400 | 401);
        speaks.then(|| serde_json::from_slice::<Body>(body).ok()).flatten().map(|body| body.error)
    }

    /// Is it the client that is refused, whatever token it presents?
    #[must_use]
    pub const fn refuses_the_client(self) -> bool {
        match self {
            Self::InvalidClient | Self::UnauthorizedClient => true,
            Self::InvalidRequest | Self::UnsupportedGrantType | Self::InvalidScope | Self::InvalidTarget => false,
        }
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::InvalidClient => "the endpoint does not accept the client id or the client secret (invalid_client)",
            Self::UnauthorizedClient => "the endpoint does not let this client id refresh tokens (unauthorized_client)",
            Self::InvalidRequest => "the endpoint does not understand the request (invalid_request)",
            Self::UnsupportedGrantType => "the endpoint does not refresh tokens (unsupported_grant_type)",
            Self::InvalidScope => "the endpoint does not grant the parameter scope (invalid_scope)",
            Self::InvalidTarget => "the endpoint does not grant the parameter resource (invalid_target)",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::InvalidClient => {
                "Log in again with the right --client-id and --client-secret, or another --auth-method."
            }
            Self::UnauthorizedClient => "Ask whoever runs the server to allow refresh tokens for this client.",
            Self::InvalidRequest | Self::UnsupportedGrantType => {
                "Check --endpoint, --encoding, --client-id and --parameter with the server's documentation."
            }
            Self::InvalidScope | Self::InvalidTarget => "Log in again with another --parameter.",
        }
    }
}

/// The endpoint's own word that a person must log in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// When the login expired, if the endpoint said so, UTC.
    pub expired_at: Option<Timestamp>,
    /// The endpoint's id of its answer, for its support.
    pub trace_id: Option<String>,
}

impl Failure {
    /// Was nothing sent, so that trying again costs the endpoint nothing?
    #[must_use]
    pub const fn may_hurry(&self) -> bool {
        match self {
            Self::Keychain(_) | Self::Journal => true,
            Self::NotSent(_)
            | Self::OutcomeUnknown(_)
            | Self::Later { .. }
            | Self::Odd { .. }
            | Self::AuthorizationRequired(_)
            | Self::AnotherUser(_) => false,
        }
    }

    /// Did the endpoint name a time before which it does not want to be asked?
    #[must_use]
    pub const fn asked_to_wait(&self) -> bool {
        match self {
            Self::Later { retry_after, .. } => retry_after.is_some(),
            Self::NotSent(_)
            | Self::OutcomeUnknown(_)
            | Self::Odd { .. }
            | Self::AuthorizationRequired(_)
            | Self::AnotherUser(_)
            | Self::Keychain(_)
            | Self::Journal => false,
        }
    }

    /// The start of a sentence about it: "no connection".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::NotSent(NotSent::Dns) => "the endpoint's name cannot be resolved".to_owned(),
            Self::NotSent(NotSent::Connect) => "no connection".to_owned(),
            Self::NotSent(NotSent::Tls) => "the endpoint's certificate is not trusted".to_owned(),
            Self::NotSent(NotSent::Malformed) => "the request cannot be built from this account's settings".to_owned(),
            Self::OutcomeUnknown(OutcomeUnknown::TimedOut) => "the endpoint did not answer in time".to_owned(),
            Self::OutcomeUnknown(OutcomeUnknown::Interrupted) => "the connection broke before the answer".to_owned(),
            Self::OutcomeUnknown(OutcomeUnknown::Unreadable) => "the endpoint's answer cannot be read".to_owned(),
            Self::OutcomeUnknown(OutcomeUnknown::ServerError { http_status }) => {
                format!("the endpoint failed (HTTP {http_status})")
            }
            Self::Later { http_status, .. } => {
                format!("the endpoint asks to come back later (HTTP {http_status})")
            }
            Self::Odd { error: Some(error), .. } => error.in_words().to_owned(),
            Self::Odd { http_status, error: None } => {
                format!("the endpoint answered something unexpected (HTTP {http_status})")
            }
            Self::AuthorizationRequired(Refusal { expired_at: Some(at), .. }) => {
                format!("the login expired on {}", at.strftime("%-d %b %Y, %H:%M UTC"))
            }
            Self::AuthorizationRequired(Refusal { expired_at: None, .. }) => {
                "the endpoint refused the login".to_owned()
            }
            Self::AnotherUser(AnotherUser { account, login }) => {
                format!("the account belongs to {account}, and this login belongs to {login}")
            }
            Self::Keychain(problem) => problem.to_string(),
            Self::Journal => "the journal in the state folder cannot be written".to_owned(),
        }
    }
}
