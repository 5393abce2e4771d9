//! Whose tokens the proxy adds: the account that was meant when it started, at the server that it had then.

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::RefreshRequest;
use evertoken_core::api::status::LoginIdentity;
use evertoken_core::oauth::token::AccessToken;

/// The account, as it was named and as it was found at the start.
#[derive(Debug)]
pub(crate) struct Served {
    client: Client,
    account: Option<AccountName>,
    /// `None`: there was no such account.
    identity: Option<LoginIdentity>,
}

impl Served {
    /// The account that is meant now; `None`: the default account, or the only one.
    ///
    /// # Errors
    /// The agent cannot be asked.
    pub(crate) async fn now(client: Client, account: Option<AccountName>) -> Result<Self, Problem> {
        let mut accounts = client.status().await?.accounts.into_iter();
        let meant = accounts.find(|known| account.as_ref().map_or(known.default, |name| known.name == *name));
        Ok(Self { client, account, identity: meant.and_then(|account| account.identity) })
    }

    /// A token of this account and no other.
    pub(crate) async fn token(&self, min_valid: Option<u64>) -> Result<AccessToken, Problem> {
        let mut answer = self.client.token(self.account.as_ref(), min_valid).await;
        if let Some(name) = self.new_name(answer.as_ref().err()).await {
            answer = self.client.token(Some(&name), min_valid).await;
        }
        let answer = answer?;
        if !self.is(answer.identity.as_ref()) {
            return Err(Problem::new(
                ProblemKind::Failed,
                "This proxy was started for another account or another server than is meant now; nothing was sent.",
                "Start the proxy again to use the account as it is now.",
            ));
        }
        Ok(AccessToken::new(answer.access_token))
    }

    /// Did the endpoint give a new token?
    pub(crate) async fn refresh(&self, min_valid: Option<u64>) -> Result<bool, Problem> {
        let mut answer = self.client.refresh(self.account.as_ref(), RefreshRequest { min_valid }).await;
        if let Some(name) = self.new_name(answer.as_ref().err()).await {
            answer = self.client.refresh(Some(&name), RefreshRequest { min_valid }).await;
        }
        answer.map(|answer| answer.refreshed)
    }

    /// What the account is called, if the agent no longer knows it by what it was called.
    async fn new_name(&self, problem: Option<&Problem>) -> Option<AccountName> {
        if !matches!(problem?.kind, ProblemKind::UnknownAccount | ProblemKind::AccountNotNamed) {
            return None;
        }
        let mut accounts = self.client.status().await.ok()?.accounts.into_iter();
        accounts.find(|account| self.is(account.identity.as_ref())).map(|account| account.name)
    }

    fn is(&self, found: Option<&LoginIdentity>) -> bool {
        found.is_some() && found == self.identity.as_ref()
    }
}
