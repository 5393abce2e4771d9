//! Whose tokens the proxy adds: those of the account that was meant when it started, at the server that it had then. It is
//! followed by its id, whatever it is called and whichever account is the default since.

use std::sync::{Mutex, PoisonError};

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::RefreshRequest;
use evertoken_core::api::status::LoginIdentity;
use evertoken_core::oauth::token::AccessToken;

/// The account as it was found at the start, and what it is called.
#[derive(Debug)]
pub(crate) struct Served {
    client: Client,
    /// As far as is known.
    name: Mutex<Option<AccountName>>,
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
        let (name, identity) = meant.map_or((account, None), |account| (Some(account.name), account.identity));
        Ok(Self { client, name: Mutex::new(name), identity })
    }

    /// A token of this account and no other.
    pub(crate) async fn token(&self, min_valid: Option<u64>) -> Result<AccessToken, Problem> {
        let known = self.name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let first = self.token_of(known.as_ref(), min_valid).await;
        // Where there was no account, the agent says it best.
        if matches!(first, Ok(Some(_))) || self.identity.is_none() {
            return first?.ok_or_else(is_another);
        }
        let name = self.name_now().await?;
        let answer = if known.as_ref() == Some(&name) { first } else { self.token_of(Some(&name), min_valid).await };
        answer?.ok_or_else(is_another)
    }

    /// Did the endpoint give a new token?
    pub(crate) async fn refresh(&self, min_valid: Option<u64>) -> Result<bool, Problem> {
        let name = self.name_now().await?;
        Ok(self.client.refresh(Some(&name), RefreshRequest { min_valid }).await?.refreshed)
    }

    /// `None`: the name is another account's, or the account is at another server.
    async fn token_of(
        &self,
        name: Option<&AccountName>,
        min_valid: Option<u64>,
    ) -> Result<Option<AccessToken>, Problem> {
        let answer = self.client.token(name, min_valid).await?;
        Ok(self.is(answer.identity.as_ref()).then(|| AccessToken::new(answer.access_token)))
    }

    /// What the account is called now.
    async fn name_now(&self) -> Result<AccountName, Problem> {
        let mut accounts = self.client.status().await?.accounts.into_iter();
        let found = accounts.find(|account| self.is(account.identity.as_ref())).ok_or_else(is_another)?;
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.name.clone());
        Ok(found.name)
    }

    fn is(&self, found: Option<&LoginIdentity>) -> bool {
        found.is_some() && found == self.identity.as_ref()
    }
}

fn is_another() -> Problem {
    Problem::new(
        ProblemKind::Failed,
        "The account that this proxy was started for is gone, or belongs to another server now; nothing was sent.",
        "Start the proxy again to use the account as it is now.",
    )
}
