//! An account's entries in the keychain, as the tokens that they are.

use std::time::Duration;

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::token_store::{
    EntryKind, Slot, StoredAccessToken, StoredClientSecret, StoredRefreshToken, StoredTokens,
};
use evertoken_core::oauth::server::Server;
use secrecy::{ExposeSecret, SecretString};

use crate::store::keychain::Keychain;
use crate::store::old_entries;
use crate::system::fail_point::fail_point;

/// One account's entries.
#[derive(Clone)]
pub(crate) struct TokenStore {
    keychain: Keychain,
    account: AccountId,
}

impl TokenStore {
    pub(crate) fn new(keychain: Keychain, account: AccountId) -> Self {
        Self { keychain, account }
    }

    /// Is an empty keychain no surprise, whatever the journal says?
    pub(crate) fn forgets(&self) -> bool {
        self.keychain.forgets()
    }

    /// Everything the account has.
    pub(crate) async fn read(&self) -> Result<StoredTokens, KeychainProblem> {
        let generation = |stored: &StoredRefreshToken| stored.generation;
        let access_tokens = self.all(EntryKind::AccessToken, StoredAccessToken::from_entry).await?;
        Ok(StoredTokens {
            a: self.refresh_tokens(Slot::A).await?.into_iter().max_by_key(generation),
            b: self.refresh_tokens(Slot::B).await?.into_iter().max_by_key(generation),
            access_token: access_tokens.into_iter().max_by_key(|stored| stored.generation),
            waiting: self.all(EntryKind::WaitingLogin, StoredRefreshToken::from_entry).await?.into_iter().next(),
        })
    }

    async fn refresh_tokens(&self, slot: Slot) -> Result<Vec<StoredRefreshToken>, KeychainProblem> {
        self.all(EntryKind::RefreshToken(slot), StoredRefreshToken::from_entry).await
    }

    /// Proves that an entry of `length` bytes can be written.
    pub(crate) async fn prove_writable(&self, length: usize) -> Result<(), KeychainProblem> {
        self.put_and_read_back(EntryKind::Probe, random_text(length)).await
    }

    pub(crate) async fn store_refresh_token(
        &self,
        slot: Slot,
        token: &StoredRefreshToken,
    ) -> Result<(), KeychainProblem> {
        self.put_and_read_back(EntryKind::RefreshToken(slot), token.to_entry()).await
    }

    pub(crate) async fn store_access_token(&self, token: &StoredAccessToken) -> Result<(), KeychainProblem> {
        self.keychain.write(&EntryKind::AccessToken.name(&self.account), token.to_entry()).await
    }

    pub(crate) async fn drop_slot(&self, slot: Slot) -> Result<(), KeychainProblem> {
        self.delete(EntryKind::RefreshToken(slot)).await
    }

    /// Keeps a login of another user until a person has answered.
    pub(crate) async fn store_waiting(&self, login: &StoredRefreshToken) -> Result<(), KeychainProblem> {
        self.put_and_read_back(EntryKind::WaitingLogin, login.to_entry()).await
    }

    pub(crate) async fn forget_waiting(&self) -> Result<(), KeychainProblem> {
        self.delete(EntryKind::WaitingLogin).await
    }

    /// The client secret that a log-out left behind.
    pub(crate) async fn client_secret_left(&self) -> Result<Option<StoredClientSecret>, KeychainProblem> {
        Ok(self.all(EntryKind::ClientSecret, StoredClientSecret::from_entry).await?.into_iter().next())
    }

    /// Deletes the login. Its client secret stays, for the next log-in at the same server.
    pub(crate) async fn forget_login(&self) -> Result<(), KeychainProblem> {
        let current = self.read().await?.current().and_then(|stored| stored.client_secret.clone());
        if let Some(secret) = current {
            self.put_and_read_back(EntryKind::ClientSecret, StoredClientSecret(secret).to_entry()).await?;
        }
        self.forget(&EntryKind::LOGIN).await
    }

    /// Stores a login again that was deleted a moment ago: all of it, or as before none. The access token is best effort.
    pub(crate) async fn put_back(&self, login: &StoredTokens) -> Result<(), KeychainProblem> {
        if let Some(token) = &login.access_token {
            let _ = self.store_access_token(token).await;
        }
        let stored = self.store_logins(login).await;
        if stored.is_err() {
            let _ = self.forget(&EntryKind::LOGIN).await;
        }
        stored
    }

    async fn store_logins(&self, login: &StoredTokens) -> Result<(), KeychainProblem> {
        for (slot, token) in [(Slot::A, &login.a), (Slot::B, &login.b)] {
            if let Some(token) = token {
                self.store_refresh_token(slot, token).await?;
            }
        }
        match &login.waiting {
            Some(waiting) => self.store_waiting(waiting).await,
            None => Ok(()),
        }
    }

    /// Deletes the client secret that a log-out left behind.
    pub(crate) async fn forget_client_secret(&self) -> Result<(), KeychainProblem> {
        self.delete(EntryKind::ClientSecret).await
    }

    /// Deletes every entry.
    pub(crate) async fn forget_account(&self) -> Result<(), KeychainProblem> {
        self.forget(&[&EntryKind::LOGIN[..], &[EntryKind::ClientSecret]].concat()).await
    }

    /// Takes over the entries that an earlier version kept under the account's name.
    pub(crate) async fn migrate(&self, name: &AccountName, server: &Server) -> Result<(), KeychainProblem> {
        let Some(mut old) = old_entries::read(&self.keychain, name, server).await? else { return Ok(()) };
        old.refresh_tokens.sort_by_key(|(_, stored)| stored.generation);
        let newest = old.refresh_tokens.last().map(|(_, stored)| stored.generation);
        let known = self.read().await?.current().map(|current| current.generation);
        // The newest comes last: as long as it is missing, the next start takes all of them over again.
        if known.is_none() || newest > known {
            if let Some(secret) = &old.client_secret_left {
                self.put_and_read_back(EntryKind::ClientSecret, secret.to_entry()).await?;
            }
            if let Some(access_token) = &old.access_token {
                self.put_and_read_back(EntryKind::AccessToken, access_token.to_entry()).await?;
            }
            for (slot, stored) in &old.refresh_tokens {
                self.store_refresh_token(*slot, stored).await?;
                fail_point("one-entry-taken-over");
            }
        }
        fail_point("entries-taken-over");
        tracing::info!(account = %name, "the login's entries are of the current version now");
        old_entries::forget(&self.keychain, name).await
    }

    /// The entries that an earlier version kept under the account's name, and still keeps.
    pub(crate) async fn read_old(&self, name: &AccountName, server: &Server) -> Result<StoredTokens, KeychainProblem> {
        let Some(old) = old_entries::read(&self.keychain, name, server).await? else {
            return Ok(StoredTokens::default());
        };
        let mut tokens = StoredTokens { access_token: old.access_token, ..StoredTokens::default() };
        for (slot, stored) in old.refresh_tokens {
            match slot {
                Slot::A => tokens.a = Some(stored),
                Slot::B => tokens.b = Some(stored),
            }
        }
        Ok(tokens)
    }

    /// All entries are tried even when one is refused. A keychain that does not answer is not asked again: it might do later
    /// what a person was told has failed.
    async fn forget(&self, kinds: &[EntryKind]) -> Result<(), KeychainProblem> {
        let mut result = Ok(());
        for kind in kinds {
            match self.delete(*kind).await {
                Err(silent @ (KeychainProblem::TimedOut | KeychainProblem::PasswordAsked)) => return Err(silent),
                deleted => result = result.and(deleted),
            }
        }
        result
    }

    async fn delete(&self, kind: EntryKind) -> Result<(), KeychainProblem> {
        self.keychain.delete(&kind.name(&self.account)).await
    }

    /// What each collection of the keychain holds under this name.
    async fn all<T>(&self, kind: EntryKind, read: fn(&SecretString) -> Option<T>) -> Result<Vec<T>, KeychainProblem> {
        let entries = self.keychain.read_all(&kind.name(&self.account)).await?;
        Ok(entries.iter().filter_map(read).collect())
    }

    async fn put_and_read_back(&self, kind: EntryKind, entry: SecretString) -> Result<(), KeychainProblem> {
        let name = kind.name(&self.account);
        self.keychain.write(&name, entry.clone()).await?;
        let back = self.keychain.read_all(&name).await?;
        let is_there = back.iter().any(|back| back.expose_secret() == entry.expose_secret());
        if is_there { Ok(()) } else { Err(KeychainProblem::Refused) }
    }
}

/// The first wait before a refused token is offered to the keychain again; it doubles.
pub(crate) const FIRST_STORE_RETRY: Duration = Duration::from_secs(1);
/// The longest: somebody who unlocks the keychain wants it to be taken soon.
pub(crate) const LONGEST_STORE_RETRY: Duration = Duration::from_secs(60);

fn random_text(length: usize) -> SecretString {
    let mut bytes = vec![0; length.div_ceil(2)];
    // Without randomness the probe still proves what it has to.
    let _ = getrandom::fill(&mut bytes);
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.into()
}
