//! How a token request can fail, as the decisions that follow from it. No response body in any of them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keychain::KeychainProblem;
pub use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::origin::ForeignServer;

/// Why there is no new access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request never left this machine: the refresh token is untouched.
    NotSent(NotSent),
    /// The request was sent and no readable answer came: the server may have rotated.
    OutcomeUnknown(OutcomeUnknown),
    /// The endpoint asks to try again later.
    RetryLater {
        /// After how long, if it said so.
        retry_after: Option<SignedDuration>,
        /// The HTTP status.
        http_status: u16,
    },
    /// An answer that is no verdict on the login.
    UnexpectedAnswer {
        /// The HTTP status.
        http_status: u16,
        /// What the server calls it, if it says so as the standard has it.
        error: Option<OAuthError>,
        /// Did a web page come, as from a proxy, a firewall or a network's sign-in?
        web_page: bool,
    },
    /// The endpoint refused the refresh token: a person must log in.
    AuthorizationRequired(Refusal),
    /// The endpoint granted tokens of another user than the one whose login the account holds.
    AnotherUser(AnotherUser),
    /// The login belongs to another server than the account names, so that nothing was sent.
    ServerChanged(ForeignServer),
    /// The keychain cannot be used, so that nothing was sent.
    Keychain(KeychainProblem),
    /// The journal cannot be written, so that nothing was sent.
    Journal,
    /// The account's lock was not to be had, in words: another process holds it, say. Nothing was sent.
    Lock(String),
    /// The agent is ending, so that nothing was sent.
    Ending,
}

/// Whose the account is, and whose the login that was refused for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A proxy wants to know who is asking (HTTP 407).
    ProxyLogin,
    /// A proxy does not connect to the host.
    ProxyRefused,
    /// The server's certificate or the TLS handshake is not acceptable.
    Tls,
    /// The server's certificate has expired, by this machine's clock.
    CertificateExpired,
    /// The server's certificate is not valid yet, by this machine's clock.
    CertificateNotYetValid,
    /// This machine has no certificates to check the server's with.
    NoTrustStore,
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` takes the place of this machine's certificates and names none.
    NamedTrustStore,
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
    /// A 200 with a web page.
    WebPage,
    /// A grant whose access token has expired already, or cannot be used. Its refresh token is stored.
    NoAccessToken,
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
            Self::TimedOut | Self::Interrupted | Self::Unreadable | Self::WebPage => true,
            Self::ServerError { .. } | Self::NoAccessToken => false,
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
    /// What the server calls it, if it says so as the standard has it.
    pub error: Option<OAuthError>,
}

impl Failure {
    /// Did it happen on this machine, before anything was sent? Then trying again costs the endpoint nothing.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        match self {
            Self::Keychain(_) | Self::Journal | Self::Lock(_) | Self::Ending => true,
            Self::NotSent(_)
            | Self::OutcomeUnknown(_)
            | Self::RetryLater { .. }
            | Self::UnexpectedAnswer { .. }
            | Self::AuthorizationRequired(_)
            | Self::ServerChanged(_)
            | Self::AnotherUser(_) => false,
        }
    }

    /// How long the endpoint does not want to be asked, if it said so.
    #[must_use]
    pub const fn asked_wait(&self) -> Option<SignedDuration> {
        if let Self::RetryLater { retry_after, .. } = self { *retry_after } else { None }
    }

    /// The start of a sentence about it: "no connection".
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::NotSent(reason) => reason.in_words().to_owned(),
            Self::OutcomeUnknown(outcome) => outcome.in_words(),
            Self::RetryLater { http_status, .. } => {
                format!("the endpoint asks to try again later (HTTP {http_status})")
            }
            Self::UnexpectedAnswer { error: Some(error), .. } => error.in_words(),
            Self::UnexpectedAnswer { http_status: 407, error: None, .. } => {
                format!("{} (HTTP 407)", NotSent::ProxyLogin.in_words())
            }
            Self::UnexpectedAnswer { http_status, error: None, web_page: true } => {
                format!("a web page came instead of the endpoint's answer (HTTP {http_status}): {PAGE}")
            }
            Self::UnexpectedAnswer { http_status, error: None, web_page: false } => {
                format!("the endpoint answered something unexpected (HTTP {http_status})")
            }
            Self::AuthorizationRequired(refusal) => refusal.in_words(),
            Self::AnotherUser(AnotherUser { account, login }) => {
                format!("the account belongs to {account}, and this login belongs to {login}")
            }
            Self::ServerChanged(foreign) => foreign.to_string(),
            Self::Keychain(problem) => problem.to_string(),
            Self::Journal => "the journal in the state folder cannot be written".to_owned(),
            Self::Lock(reason) => format!("the account is in use: {reason}"),
            Self::Ending => "the agent is ending".to_owned(),
        }
    }
}

/// Where a web page comes from, if not from the endpoint.
const PAGE: &str = "a proxy, a firewall or a network's sign-in page may stand in between";

impl Refusal {
    fn in_words(&self) -> String {
        match (&self.expired_at, &self.error) {
            (Some(at), _) => format!("the login expired on {}", at.strftime("%FT%TZ")),
            (None, Some(error)) => error.in_words(),
            (None, None) => "the endpoint refused the login".to_owned(),
        }
    }
}

impl NotSent {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Dns => "the endpoint's name cannot be resolved",
            Self::Connect => "no connection",
            Self::ProxyLogin => "a proxy before the endpoint wants a user name and a password",
            Self::ProxyRefused => "the proxy before the endpoint does not connect to it",
            Self::Tls => "the endpoint's certificate is not trusted",
            Self::CertificateExpired => "the endpoint's certificate has expired, or this machine's clock is wrong",
            Self::CertificateNotYetValid => {
                "the endpoint's certificate is not valid yet, or this machine's clock is wrong"
            }
            Self::NoTrustStore => "this machine has no certificates to check the endpoint's with",
            Self::NamedTrustStore => {
                "no certificate can be read where SSL_CERT_FILE or SSL_CERT_DIR of the agent's environment points"
            }
            Self::Malformed => "the request cannot be built from this account's settings",
        }
    }

    /// What concerns certificates, and so this machine's clock and trust store too.
    pub const OF_CERTIFICATES: [Self; 5] =
        [Self::Tls, Self::CertificateExpired, Self::CertificateNotYetValid, Self::NoTrustStore, Self::NamedTrustStore];

    /// Does it concern certificates?
    #[must_use]
    pub fn concerns_certificates(self) -> bool {
        Self::OF_CERTIFICATES.contains(&self)
    }
}

impl OutcomeUnknown {
    fn in_words(self) -> String {
        match self {
            Self::TimedOut => "the endpoint did not answer in time".to_owned(),
            Self::Interrupted => "the connection broke before the answer".to_owned(),
            Self::Unreadable => "the endpoint's answer cannot be read".to_owned(),
            Self::WebPage => format!("a web page came instead of the endpoint's answer: {PAGE}"),
            Self::NoAccessToken => "the endpoint granted no access token that can be used".to_owned(),
            Self::ServerError { http_status } => format!("the endpoint failed (HTTP {http_status})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_and_a_missing_trust_store_concern_certificates_and_a_network_does_not() {
        for (reason, concerns) in [
            (NotSent::Tls, true),
            (NotSent::CertificateExpired, true),
            (NotSent::CertificateNotYetValid, true),
            (NotSent::NoTrustStore, true),
            (NotSent::NamedTrustStore, true),
            (NotSent::Dns, false),
            (NotSent::Connect, false),
            (NotSent::ProxyLogin, false),
            (NotSent::ProxyRefused, false),
            (NotSent::Malformed, false),
        ] {
            assert_eq!(reason.concerns_certificates(), concerns, "{reason:?}");
        }
    }
}
