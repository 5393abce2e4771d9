//! What an account has in the keychain and in its journal. A function that may write there asks to be shown the lock.

use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::journal::{Entry, Summary, summarize};
use evertoken_core::login::token_store::{Slot, StoredRefreshToken, StoredTokens};
use evertoken_core::oauth::token::Fingerprint;
use tracing::warn;

use super::AccountContext;
use crate::store::account_lock::AccountLock;

/// The account's tokens, and the journal that they were compared with.
pub(crate) struct Found {
    pub(crate) tokens: StoredTokens,
    pub(crate) entries: Vec<Entry>,
}

impl AccountContext {
    /// The account's tokens, with the entries of an earlier version taken over, with what the keychain lost put back, and
    /// without log-ins that the configuration has followed.
    pub(crate) async fn read_settled(&self, lock: &AccountLock) -> Result<Found, KeychainProblem> {
        self.take_over_old_entries(lock).await?;
        let entries = self.entries().await;
        let journal = summarize(&entries);
        let tokens = self.put_back_lost_token(&journal).await?.settled(&journal);
        Ok(Found { tokens, entries })
    }

    /// The same for one who has no lock: nothing is written, and the entries of an earlier version are read where they are.
    pub(crate) async fn look(&self) -> Result<Found, KeychainProblem> {
        let mut entries = self.entries().await;
        let mut tokens = self.tokens.read().await?;
        if let Some((old_journal, server)) = self.old_journal.as_ref().zip(self.server.get())
            && tokens.current().is_none()
        {
            tokens = self.tokens.read_old(&self.name, &server).await?;
            entries.splice(..0, old_journal.read().await.unwrap_or_default());
        }
        let tokens = tokens.settled(&summarize(&entries));
        Ok(Found { tokens, entries })
    }

    /// Forgets a login that waits for an answer, and the candidate that it was granted for.
    pub(crate) async fn dismiss_waiting(&self) {
        let Ok(lock) = AccountLock::acquire(self.lock.clone()).await else { return };
        if let Ok(tokens) = self.tokens.read().await {
            self.dismiss(&lock, &tokens).await;
        }
    }

    pub(crate) async fn dismiss(&self, _lock: &AccountLock, tokens: &StoredTokens) {
        let dropped = match tokens.spent_candidate() {
            Some(slot) => self.tokens.drop_slot(slot).await,
            None => Ok(()),
        };
        if dropped.is_ok() {
            let _ = self.tokens.forget_waiting().await;
        }
    }

    /// Takes over the entries of an earlier version. A log-out and a change of the server do this first.
    pub(crate) async fn take_over_old_entries(&self, _lock: &AccountLock) -> Result<(), KeychainProblem> {
        let Some((old_journal, server)) = self.old_journal.as_ref().zip(self.server.get()) else { return Ok(()) };
        self.tokens.migrate(&self.name, &server).await?;
        if let Err(error) = old_journal.rename(&self.journal).await {
            warn!(account = %self.name, "the journal could not be moved: {error}");
        }
        Ok(())
    }

    /// A keychain may confirm a write, crash, and come back without it. Nothing is put back after a log-out or another agent's
    /// log-in: then the journal knows of something newer.
    async fn put_back_lost_token(&self, journal: &Summary) -> Result<StoredTokens, KeychainProblem> {
        let tokens = self.tokens.read().await?;
        let Some((slot, last_stored)) = self.last_stored.as_deref() else { return Ok(tokens) };
        let is_lost = tokens.current().is_none_or(|current| current.generation < last_stored.generation);
        let token = fingerprint(last_stored);
        if !is_lost || journal.stored != Some(token) {
            return Ok(tokens);
        }
        warn!(account = %self.name, %token, "the keychain lost what it had stored: stored again");
        self.tokens.store_refresh_token(*slot, last_stored).await?;
        self.tokens.read().await
    }

    async fn entries(&self) -> Vec<Entry> {
        self.journal.read().await.unwrap_or_else(|error| {
            warn!(account = %self.name, "the journal cannot be read: {error}");
            Vec::new()
        })
    }
}

pub(super) fn fingerprint(stored: &StoredRefreshToken) -> Fingerprint {
    stored.info(Slot::A).fingerprint
}
