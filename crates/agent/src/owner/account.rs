//! One account as the agent manages it.

use std::sync::Arc;

use evertoken_core::account::approval::{Caller, Program};
use evertoken_core::account::{Account, AccountId};
use evertoken_core::api::requests::CopyAnswer;
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::session::Session;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::AccessToken;
use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::local_api::Reply;
use crate::rotation::{ServerCell, SlottedToken};

/// The account's state, its access token, and who waits for it.
pub(super) struct ManagedAccount {
    pub(super) id: AccountId,
    account: Account,
    /// The account's server, for jobs.
    pub(super) server: ServerCell,
    /// `config.toml` has no id for it: an earlier version wrote it, or a person.
    pub(super) has_no_id: bool,
    /// Its entries were read under its lock: those of an earlier version are taken over.
    pub(super) is_settled: bool,
    /// A log-in was stored, and `config.toml` could not be written yet.
    pub(super) is_ahead_of_file: bool,
    pub(super) session: Session,
    /// The token that `session` tells about.
    pub(super) access_token: Option<AccessToken>,
    /// The refresh token that was stored last.
    pub(super) last_stored: Option<SlottedToken>,
    pub(super) waiting: Vec<Waiter>,
    /// The programs that wait for a person to allow them, in the order in which they asked.
    pub(super) asking: Vec<Program>,
    /// Rings when the keychain may take a token that it refused.
    pub(super) retry_store: Arc<Notify>,
}

/// Waits until the refresher rests.
pub(super) enum Waiter {
    /// For a refresh.
    Refresh(RefreshGoal, Reply<AccountStatus>),
    /// To have the token copied; without a program, a person clicked.
    Copy(Option<CopyRequest>),
}

/// A program that wants the token copied, and was let in.
pub(super) struct CopyRequest {
    pub(super) caller: Caller,
    pub(super) reply: Reply<CopyAnswer>,
}

/// What counts as success.
#[derive(Clone, Copy)]
pub(super) enum RefreshGoal {
    /// A token that is valid for this long, or for as long as is usual.
    ValidFor(Option<SignedDuration>),
    /// A refresh that worked.
    Refreshed,
}

impl ManagedAccount {
    pub(super) fn new(id: AccountId, account: Account) -> Self {
        Self {
            has_no_id: account.id.is_none(),
            is_settled: false,
            id,
            server: ServerCell::of(account.server.clone()),
            account,
            is_ahead_of_file: false,
            session: Session::opening(),
            access_token: None,
            last_stored: None,
            waiting: Vec::new(),
            asking: Vec::new(),
            retry_store: Arc::new(Notify::new()),
        }
    }

    pub(super) const fn account(&self) -> &Account {
        &self.account
    }

    /// The account as it is configured from now on.
    pub(super) fn configure(&mut self, account: Account) {
        self.server.set(account.server.clone());
        self.account = account;
    }

    /// The server that its log-in was for.
    pub(super) fn follow(&mut self, server: Server) {
        self.configure(Account { server, ..self.account.clone() });
    }
}
