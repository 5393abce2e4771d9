//! The bodies of the local API, version 1: what the agent and its clients say to each other over the socket.
//!
//! | Call | Body | Answer |
//! |---|---|---|
//! | `GET /v1/status` | | [`StatusReport`](crate::api::status::StatusReport) |
//! | `GET /v1/metrics` | | [OpenMetrics text](crate::api::metrics::open_metrics) |
//! | `GET /v1/ready` | | [`ReadyAnswer`] |
//! | `GET /v1/events` | | server-sent events `status`, each a [`StatusReport`](crate::api::status::StatusReport) |
//! | `GET /v1/accounts/{name}/token?min_valid=SECONDS` | | [`TokenAnswer`] |
//! | `POST /v1/accounts` | [`NewAccount`] | [`AccountStatus`](crate::api::status::AccountStatus) |
//! | `PATCH /v1/accounts/{name}` | [`AccountChange`] | [`AccountStatus`](crate::api::status::AccountStatus) |
//! | `GET /v1/accounts/{name}/settings` | | [`AccountSettings`] |
//! | `DELETE /v1/accounts/{name}` | | 204 |
//! | `POST /v1/accounts/{name}/login` | [`LoginRequest`] | [`AccountStatus`](crate::api::status::AccountStatus) |
//! | `POST /v1/accounts/{name}/login/browser` | [`SignInRequest`] | server-sent events, see [`SignInEvent`] |
//! | `POST /v1/accounts/{name}/login/browser/callback` | [`CallbackRequest`] | 204 |
//! | `POST /v1/accounts/{name}/login/device` | [`SignInRequest`] | server-sent events, see [`SignInEvent`] |
//! | `POST /v1/accounts/{name}/login/command` | [`SignInRequest`] | server-sent events, see [`SignInEvent`] |
//! | `POST /v1/accounts/{name}/login/replace` | [`ReplaceRequest`] | [`AccountStatus`](crate::api::status::AccountStatus) |
//! | `POST /v1/accounts/{name}/refresh` | [`RefreshRequest`] | [`RefreshAnswer`] |
//! | `POST /v1/accounts/{name}/copy` | | [`CopyAnswer`] |
//! | `POST /v1/accounts/{name}/logout` | | [`LogoutAnswer`] |
//! | `GET /v1/accounts/{name}/history` | | [`HistoryAnswer`] |
//! | `GET /v1/access` | | [`AccessAnswer`] |
//! | `POST /v1/accounts/{name}/approval` | [`Approval`] | [`AccountStatus`](crate::api::status::AccountStatus) |
//! | `GET /v1/diagnosis` | | [`Diagnosis`](crate::api::diagnosis::Diagnosis) |
//! | `GET`, `PATCH /v1/settings` | [`SettingsChange`](crate::config::SettingsChange) | [`Settings`](crate::config::Settings) |
//!
//! A sign-in goes on for as long as its connection is open. A login of another user than the account's ends in the problem
//! `urn:evertoken:another-user`; `login/replace` is then the answer "yes, replace it", for ten minutes.
//!
//! `{name}` may be `-`: the default account, or the only one. Errors are [`Problem`](crate::api::problem::Problem)s.
//! For programs in other languages it is written down in `docs/local-api.yaml`, which the tests keep true.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::account::AccountName;
use crate::account::approval::{Access, Program};
use crate::account::token_file::TokenFile;
pub use crate::api::account_settings::AccountSettings;
use crate::api::problem::Problem;
use crate::api::status::{AccountStatus, LoginIdentity};
use crate::oauth::revocation::Revocation;
use crate::oauth::token::Fingerprint;

/// `GET /v1/ready`: the keychain has been asked for every account, whatever it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReadyAnswer {
    /// How many accounts there are.
    pub accounts: usize,
}

/// A valid access token (RFC 6750).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenAnswer {
    /// Whose token it is.
    pub account: AccountName,
    /// The access token itself.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// When it ends, UTC.
    pub expires_at: Timestamp,
    /// Seconds until then.
    pub expires_in: i64,
    /// Which account and server it is from; agents of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<LoginIdentity>,
}

/// Shows no token.
impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, access_token: _, token_type, expires_at, expires_in, identity } = self;
        f.debug_struct("TokenAnswer")
            .field("account", account)
            .field("access_token", &"[redacted]")
            .field("token_type", token_type)
            .field("expires_at", expires_at)
            .field("expires_in", expires_in)
            .field("identity", identity)
            .finish()
    }
}

/// `POST /v1/accounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewAccount {
    /// The new account's name.
    pub name: AccountName,
    /// How it refreshes.
    #[serde(default)]
    pub settings: AccountSettings,
}

/// `PATCH /v1/accounts/{name}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<AccountName>,
    /// `true`: this is the account that is meant when none is named.
    #[serde(default)]
    pub default: bool,
    /// Which file holds the access token; `null`: none does.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub token_file: Option<Option<TokenFile>>,
    /// Must a person allow each program the first time it wants an access token?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_approval: Option<bool>,
    /// How it refreshes from now on, as a whole: headers and `client_id` that are left out are gone. Refused
    /// while the keychain holds anything of the account: only a log-in changes where a login is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<AccountSettings>,
}

/// Tells `null` from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `POST /v1/accounts/{name}/approval`: a person's decision about a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The program, by the path of its file.
    pub program: Program,
    /// May it have this account's access tokens?
    pub allow: bool,
}

/// `GET /v1/access`: who asked for access tokens since the agent began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessAnswer {
    /// The newest 1,000, the newest last.
    pub accesses: Vec<Access>,
}

/// `POST /v1/accounts/{name}/login`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// A refresh token, or a whole token response as JSON text.
    pub credential: String,
    /// How the account refreshes: for a new account, or to change an old one together with its login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<AccountSettings>,
    /// The client secret. Absent: the one that the keychain holds, if the client authenticates with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// May the login of another user take the place of the account's?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_user: bool,
    /// The token endpoint that the account has, as the person was shown it. If there is no such account, or if it has
    /// another endpoint, nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_endpoint: Option<String>,
}

/// Shows no token.
impl fmt::Debug for LoginRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credential: _, settings, client_secret, replace_user, expected_endpoint } = self;
        f.debug_struct("LoginRequest")
            .field("credential", &"[redacted]")
            .field("settings", settings)
            .field("client_secret", &client_secret.as_ref().map(|_| "[redacted]"))
            .field("replace_user", replace_user)
            .field("expected_endpoint", expected_endpoint)
            .finish()
    }
}

/// `POST /v1/accounts/{name}/login/replace`: yes, this login may take the account of another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplaceRequest {
    /// The login that is meant, as the problem named it.
    pub login: Fingerprint,
}

/// `POST /v1/accounts/{name}/login/browser`, `…/device`, `…/command`. Its `Debug` shows no secret.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// How the account signs in and refreshes: for a new account, or to change an old one together with its login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<AccountSettings>,
    /// The client's secret, for servers that want one; kept in the keychain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// May a login of another user take the place of the one that the account has?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace_user: bool,
    /// The token endpoint that the account has, as the person was shown it. If there is no such account, or if it has
    /// another endpoint, nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_endpoint: Option<String>,
}

impl fmt::Debug for SignInRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, client_secret, replace_user, expected_endpoint } = self;
        f.debug_struct("SignInRequest")
            .field("settings", settings)
            .field("client_secret", &client_secret.as_ref().map(|_| "[redacted]"))
            .field("replace_user", replace_user)
            .field("expected_endpoint", expected_endpoint)
            .finish()
    }
}

/// `POST /v1/accounts/{name}/login/browser/callback`: where a browser on another machine was sent in the end. Its `Debug` shows
/// no secret.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CallbackRequest {
    /// The whole address, with its `code` and `state`.
    pub url: String,
}

impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackRequest([redacted])")
    }
}

/// What a sign-in tells: once what a person has to do, then how it ended. The event's name is `prompt`, `done` or
/// `problem`, its data the value as JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum SignInEvent {
    /// `prompt`
    Prompt(SignInPrompt),
    /// `done`: the account is logged in.
    Done(Box<AccountStatus>),
    /// `problem`: nothing was changed, unless it says so.
    Problem(Problem),
}

/// What a person has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "way", rename_all = "lowercase")]
pub enum SignInPrompt {
    /// Sign in in the browser.
    Browser {
        /// The address to open, on this machine; it leads on to the server.
        url: String,
        /// Was a browser opened there?
        opened: bool,
        /// Where the server sends it back to. A server that shows an error instead may not know this address.
        redirect_uri: String,
        /// The address at the server, for a browser on another machine. The address that it cannot open in the end is the
        /// answer, for `login/browser/callback`.
        authorization_url: String,
        /// Until when, UTC.
        expires_at: Timestamp,
    },
    /// Open an address on any device, and type in a code (RFC 8628 section 3.3).
    Device {
        /// The code.
        user_code: String,
        /// The address.
        verification_uri: String,
        /// The address with the code in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verification_uri_complete: Option<String>,
        /// Until when, UTC.
        expires_at: Timestamp,
    },
    /// Wait for the account's own command.
    Command {
        /// Until when, UTC.
        expires_at: Timestamp,
    },
}

/// `POST /v1/accounts/{name}/refresh`. Waits for the outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// Absent: a person asks, refresh now. A number of seconds: a program needs a token that lasts that long
    /// (0: as long as is usual); nothing is sent when there is one, or while the endpoint is backing off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_valid: Option<u64>,
}

/// `POST /v1/accounts/{name}/refresh`: how the account is now, and whether it has a new access token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefreshAnswer {
    /// The account.
    #[serde(flatten)]
    pub account: AccountStatus,
    /// Did the endpoint give a new access token? Not when the one at hand lasts, or is too young to be replaced.
    pub refreshed: bool,
}

/// `POST /v1/accounts/{name}/copy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CopyAnswer {
    /// When the copied token ends, UTC.
    pub expires_at: Timestamp,
    /// Seconds until it is cleared from the clipboard; 0: it stays there until a log-out or the agent's end.
    pub cleared_after: u64,
}

/// `POST /v1/accounts/{name}/logout`: how the account is now, and what its server said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogoutAnswer {
    /// The account.
    #[serde(flatten)]
    pub account: AccountStatus,
    /// What became of the refresh token at the server; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_a_login_shows_no_secret() {
        let request = LoginRequest {
            credential: "r-123".to_owned(),
            settings: None,
            client_secret: Some("s-123".to_owned()),
            replace_user: false,
            expected_endpoint: None,
        };
        assert!(!format!("{request:?}").contains("-123"), "{request:?}");
        let request = SignInRequest { client_secret: Some("s-123".to_owned()), ..SignInRequest::default() };
        assert!(!format!("{request:?}").contains("-123"), "{request:?}");
    }
}
