//! What people and scripts are told about the accounts. Derived from the sessions, never stored.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::approval::Program;
use crate::account::order::AccountOrder;
use crate::account::token_file::TokenFileForm;
use crate::account::{AccountId, AccountName};
use crate::oauth::origin::Origin;
use crate::oauth::server::SignInMethod;
use crate::oauth::token::Fingerprint;

/// The answer of `GET /v1/status` and `evertoken status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusReport {
    /// The agent that answers.
    pub agent: AgentInfo,
    /// Every account, ordered by name.
    pub accounts: Vec<AccountStatus>,
    /// The order in which people see them.
    #[serde(default)]
    pub account_order: AccountOrder,
}

impl StatusReport {
    /// The accounts as people see them.
    #[must_use]
    pub fn in_order(&self) -> Vec<&AccountStatus> {
        let mut accounts: Vec<&AccountStatus> = self.accounts.iter().collect();
        self.account_order.sort(&mut accounts, |account| &account.name);
        accounts
    }

    /// Sets how many seconds each access token has left.
    pub fn count_down(&mut self, now: Timestamp) {
        self.accounts.iter_mut().for_each(|account| account.count_down(now));
    }

    fn position(&self, name: &AccountName) -> Result<usize, usize> {
        self.accounts.binary_search_by(|account| account.name.cmp(name))
    }

    /// Would these words about an account be new? Seconds that count down are not.
    #[must_use]
    pub fn is_news(&self, name: &AccountName, status: Option<&AccountStatus>) -> bool {
        let before = self.position(name).ok().map(|position| &self.accounts[position]);
        before.map(without_countdown) != status.map(without_countdown)
    }

    /// Takes in how an account is; `None`: it is gone.
    pub fn put(&mut self, name: &AccountName, status: Option<AccountStatus>) {
        match (self.position(name), status) {
            (Ok(position), Some(status)) => self.accounts[position] = status,
            (Ok(position), None) => drop(self.accounts.remove(position)),
            (Err(position), Some(status)) => self.accounts.insert(position, status),
            (Err(_), None) => {}
        }
    }

    /// What became of an earlier report. The two may differ in seconds that count down alone where nothing happened.
    #[must_use]
    pub fn change_since(&self, before: &Self) -> StatusChange {
        let was = |name: &AccountName| before.position(name).ok().map(|position| &before.accounts[position]);
        let is_gone = |account: &&AccountStatus| self.position(&account.name).is_err();
        StatusChange {
            agent: self.agent.clone(),
            accounts: self.accounts.iter().filter(|account| was(&account.name) != Some(*account)).cloned().collect(),
            removed: before.accounts.iter().filter(is_gone).map(|account| account.name.clone()).collect(),
            account_order: (self.account_order != before.account_order).then(|| self.account_order.clone()),
        }
    }

    /// Takes in what changed.
    pub fn apply(&mut self, change: StatusChange) {
        let StatusChange { agent, accounts, removed, account_order } = change;
        self.agent = agent;
        removed.iter().for_each(|name| self.put(name, None));
        accounts.into_iter().for_each(|account| self.put(&account.name.clone(), Some(account)));
        self.account_order = account_order.unwrap_or_else(|| std::mem::take(&mut self.account_order));
    }

    /// Has every account's keychain been asked, whatever it said?
    #[must_use]
    pub fn is_opened(&self) -> bool {
        let is_opening =
            |account: &AccountStatus| account.state == State::Refreshing && account.refresh_token.is_none();
        !self.accounts.iter().any(is_opening)
    }

    /// One line for whoever looks after services: `2 accounts: 1 valid, 1 log in`.
    #[must_use]
    pub fn summary(&self) -> String {
        let number = self.accounts.len();
        let accounts = if number == 1 { "account" } else { "accounts" };
        let count = |state| self.accounts.iter().filter(|account| account.state == state).count();
        let states = State::ALL.map(|state| (count(state), state.in_words()));
        let states: Vec<String> =
            states.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        if states.is_empty() { "no account".to_owned() } else { format!("{number} {accounts}: {}", states.join(", ")) }
    }
}

/// What changed since the report before: the `change` events of `GET /v1/events?changes=true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusChange {
    /// The agent that tells it.
    pub agent: AgentInfo,
    /// The accounts that are new or not as they were, each whole, ordered by name.
    pub accounts: Vec<AccountStatus>,
    /// The accounts that are no more. A renamed account is removed and new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<AccountName>,
    /// The order in which people see the accounts, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_order: Option<AccountOrder>,
}

impl StatusChange {
    /// Sets how many seconds each access token has left.
    pub fn count_down(&mut self, now: Timestamp) {
        self.accounts.iter_mut().for_each(|account| account.count_down(now));
    }
}

fn without_countdown(account: &AccountStatus) -> AccountStatus {
    let mut account = account.clone();
    if let Some(token) = &mut account.access_token {
        token.expires_in = 0;
    }
    account
}

/// The agent itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentInfo {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started, UTC.
    pub started_at: Timestamp,
    /// Has a person told it to quit? Then this is its last report: those who follow it need not wait for another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quitting: bool,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccountStatus {
    /// Its name.
    pub name: AccountName,
    /// Is it the one that is meant when no account is named?
    pub default: bool,
    /// Where its tokens are refreshed.
    pub endpoint: String,
    /// The state in one word.
    pub state: State,
    /// The user that the endpoint says the login belongs to.
    pub user_id: Option<String>,
    /// What the access token may do (RFC 6749 section 3.3).
    pub scope: Vec<String>,
    /// The access token at hand; absent when there is none or it has expired.
    pub access_token: Option<AccessTokenStatus>,
    /// How refreshing goes.
    pub refresh: RefreshStatus,
    /// The refresh token in the keychain.
    pub refresh_token: Option<RefreshTokenStatus>,
    /// Whether a person must log in.
    pub login: LoginStatus,
    /// The file that holds the access token; absent when there is none.
    #[serde(default)]
    pub token_file: Option<TokenFileStatus>,
    /// The programs that wait for a person to allow them.
    #[serde(default)]
    pub approvals: Vec<Program>,
    /// How a person can log in, beside with a refresh token.
    #[serde(default)]
    pub sign_in: Vec<SignInMethod>,
    /// Whose tokens the account has; agents of earlier versions do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<LoginIdentity>,
}

impl AccountStatus {
    /// The state that stays if the request that is on its way fails as the one before it did. Icon, colour and verdict go by it,
    /// so that a retry hides no trouble; words name the state itself.
    #[must_use]
    pub const fn state_if_retry_fails(&self) -> State {
        match (self.state, &self.refresh.last_error, &self.access_token) {
            (State::Refreshing, Some(_), Some(_)) => State::Retrying,
            (State::Refreshing, Some(_), None) => State::Expired,
            (state, _, _) => state,
        }
    }

    fn count_down(&mut self, now: Timestamp) {
        if let Some(token) = &mut self.access_token {
            token.expires_in = token.expires_at.duration_since(now).as_secs().max(0);
        }
    }
}

/// Whose tokens an account has. A new name and a new login at the same server change nothing here; another account of the
/// same name and another server do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginIdentity {
    /// The account's id.
    pub account: AccountId,
    /// Scheme, host and port of the token endpoint.
    pub server: Origin,
}

/// A file that holds the access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenFileStatus {
    /// Where it is.
    pub path: PathBuf,
    /// How it is written.
    pub form: TokenFileForm,
    /// Why it does not hold the token, in a sentence.
    pub problem: Option<String>,
}

/// An account's state in one word: a stable name for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A usable access token, nothing to do.
    Valid,
    /// A token request is on its way.
    Refreshing,
    /// Refreshing fails, the access token is still valid.
    Retrying,
    /// Refreshing fails, and the access token is over.
    Expired,
    /// The refresh token was refused, the access token is still valid.
    LoginSoon,
    /// The refresh token was refused, and the access token is over.
    LoginRequired,
    /// The keychain cannot be read or written.
    KeychainUnavailable,
    /// No refresh token.
    SignedOut,
    /// The login belongs to another server than the configuration names: nothing is sent, nothing is handed out, nothing is
    /// lost.
    ServerChanged,
}

impl State {
    /// Every state, in the order of the list in the documentation.
    pub const ALL: [Self; 9] = [
        Self::Valid,
        Self::Refreshing,
        Self::Retrying,
        Self::Expired,
        Self::LoginSoon,
        Self::LoginRequired,
        Self::KeychainUnavailable,
        Self::SignedOut,
        Self::ServerChanged,
    ];

    const fn in_words(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Refreshing => "refreshing",
            Self::Retrying => "retrying",
            Self::Expired => "expired",
            Self::LoginSoon => "log in soon",
            Self::LoginRequired => "log in",
            Self::KeychainUnavailable => "keychain unavailable",
            Self::SignedOut => "signed out",
            Self::ServerChanged => "server changed",
        }
    }

    /// Must a person act before this account gets another access token?
    #[must_use]
    pub const fn requires_a_person(self) -> bool {
        match self {
            Self::LoginSoon
            | Self::LoginRequired
            | Self::SignedOut
            | Self::KeychainUnavailable
            | Self::ServerChanged => true,
            Self::Valid | Self::Refreshing | Self::Retrying | Self::Expired => false,
        }
    }

    /// Does only a new log-in help?
    #[must_use]
    pub const fn requires_authorization(self) -> bool {
        match self {
            Self::LoginSoon | Self::LoginRequired | Self::SignedOut | Self::ServerChanged => true,
            Self::Valid | Self::Refreshing | Self::Retrying | Self::Expired | Self::KeychainUnavailable => false,
        }
    }
}

/// The access token at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessTokenStatus {
    /// When the request that brought it was sent, UTC.
    pub issued_at: Timestamp,
    /// When it ends, UTC.
    pub expires_at: Timestamp,
    /// Seconds until then, at the moment of the answer.
    pub expires_in: i64,
}

/// How refreshing goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefreshStatus {
    /// The next attempt, UTC.
    pub next_at: Option<Timestamp>,
    /// The last success, UTC.
    pub last_success_at: Option<Timestamp>,
    /// Attempts that failed since then.
    pub failures: u32,
    /// Since when they fail, UTC.
    pub failing_since: Option<Timestamp>,
    /// The newest failure in a sentence.
    pub last_error: Option<String>,
}

/// The refresh token in the keychain, without the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefreshTokenStatus {
    /// The first 12 hex digits of its SHA-256.
    pub fingerprint: Fingerprint,
    /// When it was stored, UTC.
    pub stored_at: Timestamp,
    /// How many rotations lie behind it since the log-in.
    pub rotations: u64,
}

/// Whether a person must log in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LoginStatus {
    /// Since when, UTC.
    pub required_since: Option<Timestamp>,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// When the login ends, UTC, if its server says so and no refresh moves it: a person has to log in before.
    #[serde(default)]
    pub before: Option<Timestamp>,
    /// What the sign-in asked for (RFC 6749 section 3.3) and the server did not grant.
    #[serde(default)]
    pub not_granted: Vec<String>,
}

#[cfg(test)]
pub(crate) mod tests;
