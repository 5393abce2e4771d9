//! One account as the agent holds it.

use std::sync::Arc;

use evertoken_core::account::Account;
use evertoken_core::account::approval::{Caller, Program};
use evertoken_core::api::requests::CopyAnswer;
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::session::Session;
use evertoken_core::oauth::token::AccessToken;
use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::local_api::Reply;
use crate::rotation::InSlot;

/// The account's state, its access token, and who waits for it.
pub(super) struct Held {
    pub(super) account: Account,
    pub(super) session: Session,
    /// The token that `session` tells about.
    pub(super) access_token: Option<AccessToken>,
    /// The refresh token that was stored last.
    pub(super) newest: Option<InSlot>,
    pub(super) waiting: Vec<Waiting>,
    /// The programs that wait for a person to allow them, in the order in which they asked.
    pub(super) asking: Vec<Program>,
    /// Rings when the keychain may take a token that it refused.
    pub(super) store_nudge: Arc<Notify>,
    /// Log-ins under way. Until one of them has worked, the login that is here keeps its own endpoint.
    pub(super) log_ins: usize,
    /// Tells an account from an earlier one of the same name, to which an outcome may belong.
    pub(super) incarnation: u64,
}

/// Somebody who waits until the refresher rests.
pub(super) enum Waiting {
    /// For a refresh.
    Refresh(Want, Reply<AccountStatus>),
    /// To have the token copied; without a program, a person clicked.
    Copy(Option<Asker>),
}

/// A program that wants the token copied, and was let in.
pub(super) struct Asker {
    pub(super) caller: Caller,
    pub(super) reply: Reply<CopyAnswer>,
}

/// What counts as success.
#[derive(Clone, Copy)]
pub(super) enum Want {
    /// A token that lasts this long, or as long as is usual.
    TokenThatLasts(Option<SignedDuration>),
    /// A refresh that worked.
    Refreshed,
}

impl Held {
    pub(super) fn new(account: Account, incarnation: u64) -> Self {
        Self {
            account,
            session: Session::opening(),
            access_token: None,
            newest: None,
            waiting: Vec::new(),
            asking: Vec::new(),
            store_nudge: Arc::new(Notify::new()),
            log_ins: 0,
            incarnation,
        }
    }
}
