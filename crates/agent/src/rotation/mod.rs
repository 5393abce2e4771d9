//! Carries a [`Rotation`] out: reads, writes and sends what the pure machine asks for.

mod driver;
mod secrets;
mod settled;
mod shared;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::login::journal::{Entry, Record};
use evertoken_core::login::rotation::Outcome;
use evertoken_core::login::token_store::{Slot, StoredRefreshToken};
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::AccessToken;
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::warn;

pub(crate) use self::driver::rotate;
pub(crate) use self::settled::Found;
pub(crate) use self::shared::Rotations;
use crate::store::journal_file::JournalFile;
use crate::store::token_store::TokenStore;

/// What a job needs to know of an account.
#[derive(Clone)]
pub(crate) struct AccountContext {
    pub(crate) name: AccountName,
    pub(crate) id: AccountId,
    /// The server that the account names now: who waited for the lock looks again.
    pub(crate) server: ServerCell,
    pub(crate) tokens: TokenStore,
    pub(crate) journal: JournalFile,
    pub(crate) lock: PathBuf,
    /// What this agent stored last. A keychain may confirm a write, crash, and come back without it.
    pub(crate) last_stored: Option<SlottedToken>,
    /// Rings when the keychain may take a token that it refused.
    pub(crate) retry_store: Arc<Notify>,
    pub(crate) rotations: Rotations,
    /// The journal of an earlier version, whose entries in the keychain the account takes over too.
    pub(crate) old_journal: Option<JournalFile>,
}

impl AccountContext {
    /// Writes down that this happened now. That it could not is in the log.
    pub(crate) async fn record(&self, record: Record) -> io::Result<()> {
        let recorded = self.journal.append(Entry { at: Timestamp::now(), record }).await;
        recorded.inspect_err(|error| warn!(account = %self.name, "the journal cannot be written: {error}"))
    }
}

/// A server that jobs and their owner look at; none before an account is configured.
#[derive(Clone, Default)]
pub(crate) struct ServerCell(Arc<Mutex<Option<Arc<Server>>>>);

impl ServerCell {
    pub(crate) fn of(server: Arc<Server>) -> Self {
        Self(Arc::new(Mutex::new(Some(server))))
    }

    pub(crate) fn get(&self) -> Option<Arc<Server>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, server: Arc<Server>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }
}

/// A refresh token and the slot that it was stored in.
pub(crate) type SlottedToken = Box<(Slot, StoredRefreshToken)>;

/// How a rotation ended, with the tokens if it brought some.
pub(crate) struct Rotated {
    pub(crate) outcome: Outcome,
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) last_stored: Option<SlottedToken>,
    /// A login of another user, which waits for a person's answer.
    pub(crate) waiting: Option<StoredRefreshToken>,
}

impl Rotated {
    fn nothing(outcome: Outcome) -> Self {
        Self { outcome, access_token: None, last_stored: None, waiting: None }
    }
}
