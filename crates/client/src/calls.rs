//! One method for each call of the local API, in the order of [`evertoken_core::api::requests`].

use evertoken_core::account::{AccountName, DEFAULT_ACCOUNT_PLACEHOLDER};
use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{
    AccessAnswer, AccountChange, AccountSettings, Approval, CopyAnswer, LoginRequest, LogoutAnswer, NewAccount,
    RefreshAnswer, RefreshRequest, ReplaceRequest, TokenAnswer,
};
use evertoken_core::api::status::{AccountStatus, StatusReport};
use evertoken_core::config::{Settings, SettingsChange};
use evertoken_core::login::journal::HistoryAnswer;
use evertoken_core::oauth::token::Fingerprint;
use hyper::Method;

use crate::Client;

/// Calls without a body.
const NO_BODY: Option<&()> = None;

/// In every call, `None` as the account means the default account, or the only one. Every call ends in the
/// [`Problem`] that the agent answered, or in
/// [`AgentUnavailable`](evertoken_core::api::problem::ProblemKind::AgentUnavailable).
#[expect(clippy::missing_errors_doc, reason = "all errors are told once, above")]
impl Client {
    /// How every account is.
    pub async fn status(&self) -> Result<StatusReport, Problem> {
        self.call(Method::GET, "status", NO_BODY).await
    }

    /// An access token that lasts at least `min_valid` seconds; `None`: as long as is usual. Answered from the
    /// agent's memory: it waits for nothing.
    pub async fn token(&self, account: Option<&AccountName>, min_valid: Option<u64>) -> Result<TokenAnswer, Problem> {
        let query = min_valid.map(|seconds| format!("?min_valid={seconds}")).unwrap_or_default();
        self.call(Method::GET, &format!("{}{query}", path(account, "token")), NO_BODY).await
    }

    /// Makes an account that is signed out.
    pub async fn create_account(&self, account: &NewAccount) -> Result<AccountStatus, Problem> {
        self.call(Method::POST, "accounts", Some(account)).await
    }

    /// Renames an account, makes it the default, or changes how it refreshes.
    pub async fn change_account(
        &self,
        account: Option<&AccountName>,
        change: &AccountChange,
    ) -> Result<AccountStatus, Problem> {
        self.call(Method::PATCH, &format!("accounts/{}", in_path(account)), Some(change)).await
    }

    /// How an account refreshes.
    pub async fn account_settings(&self, account: Option<&AccountName>) -> Result<AccountSettings, Problem> {
        self.call(Method::GET, &path(account, "settings"), NO_BODY).await
    }

    /// Removes an account.
    pub async fn remove_account(&self, account: Option<&AccountName>) -> Result<(), Problem> {
        self.call(Method::DELETE, &format!("accounts/{}", in_path(account)), NO_BODY).await
    }

    /// Logs in, and waits until the endpoint has accepted or refused the credential.
    pub async fn login(&self, account: Option<&AccountName>, login: &LoginRequest) -> Result<AccountStatus, Problem> {
        self.call(Method::POST, &path(account, "login"), Some(login)).await
    }

    /// The answer "yes" to the question whether the login of another user may take the account.
    pub async fn replace_user(
        &self,
        account: Option<&AccountName>,
        login: Fingerprint,
    ) -> Result<AccountStatus, Problem> {
        self.call(Method::POST, &path(account, "login/replace"), Some(&ReplaceRequest { login })).await
    }

    /// Refreshes, and waits for the outcome.
    pub async fn refresh(
        &self,
        account: Option<&AccountName>,
        refresh: RefreshRequest,
    ) -> Result<RefreshAnswer, Problem> {
        self.call(Method::POST, &path(account, "refresh"), Some(&refresh)).await
    }

    /// Puts the access token on the clipboard.
    pub async fn copy(&self, account: Option<&AccountName>) -> Result<CopyAnswer, Problem> {
        self.call(Method::POST, &path(account, "copy"), NO_BODY).await
    }

    /// Forgets the account's tokens, and revokes them at the server where the account says how.
    pub async fn logout(&self, account: Option<&AccountName>) -> Result<LogoutAnswer, Problem> {
        self.call(Method::POST, &path(account, "logout"), NO_BODY).await
    }

    /// The account's journal, the newest entry last.
    pub async fn history(&self, account: Option<&AccountName>) -> Result<HistoryAnswer, Problem> {
        self.call(Method::GET, &path(account, "history"), NO_BODY).await
    }

    /// Keeps a person's decision about a program that wants the account's access tokens.
    pub async fn approve(&self, account: Option<&AccountName>, approval: &Approval) -> Result<AccountStatus, Problem> {
        self.call(Method::POST, &path(account, "approval"), Some(approval)).await
    }

    /// Who asked for access tokens since the agent began, the newest last.
    pub async fn accesses(&self) -> Result<AccessAnswer, Problem> {
        self.call(Method::GET, "access", NO_BODY).await
    }

    /// What only the agent can see of its surroundings.
    pub async fn diagnosis(&self) -> Result<Diagnosis, Problem> {
        self.call(Method::GET, "diagnosis", NO_BODY).await
    }

    /// What is the same for every account.
    pub async fn settings(&self) -> Result<Settings, Problem> {
        self.call(Method::GET, "settings", NO_BODY).await
    }

    /// Changes what is the same for every account; answers how it is now.
    pub async fn change_settings(&self, change: &SettingsChange) -> Result<Settings, Problem> {
        self.call(Method::PATCH, "settings", Some(change)).await
    }
}

fn in_path(account: Option<&AccountName>) -> &str {
    // An account's name consists of characters that need no escape in a path (RFC 3986 section 2.3).
    account.map_or(DEFAULT_ACCOUNT_PLACEHOLDER, AccountName::as_str)
}

pub(crate) fn path(account: Option<&AccountName>, call: &str) -> String {
    format!("accounts/{}/{call}", in_path(account))
}
