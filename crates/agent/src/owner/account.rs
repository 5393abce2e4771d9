//! One account as the agent manages it.

use std::sync::Arc;

use evertoken_core::account::approval::{Caller, Permission, Program};
use evertoken_core::account::{Account, AccountId};
use evertoken_core::api::metrics::RefreshCounts;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{CopyAnswer, RefreshAnswer};
use evertoken_core::api::status::{LoginIdentity, State};
use evertoken_core::login::session::{Event, Session};
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::origin::Origin;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::AccessToken;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::request::Reply;
use crate::rotation::{ServerCell, SlottedToken};

/// The account's state, its access token, and who waits for it.
pub(super) struct ManagedAccount {
    pub(super) id: AccountId,
    account: Account,
    /// Made once: every answer with a token has it.
    identity: LoginIdentity,
    /// The account's server, for jobs.
    pub(super) server: ServerCell,
    /// `config.toml` has no id for it: an earlier version wrote it, or a person.
    pub(super) has_no_id: bool,
    /// Its entries were read under its lock: those of an earlier version are taken over.
    pub(super) is_settled: bool,
    /// A log-in was stored, and `config.toml` could not be written yet: its server counts for as long as the login lasts.
    pub(super) is_ahead_of_file: bool,
    pub(super) session: Session,
    /// The token that `session` tells about.
    pub(super) access_token: Option<AccessToken>,
    /// The refresh token that was stored last.
    pub(super) last_stored: Option<SlottedToken>,
    /// What the session was when it was last stepped; time alone changes it too.
    pub(super) last_state: State,
    pub(super) stepped_at: Timestamp,
    /// How its refreshes ended.
    pub(super) refreshes: RefreshCounts,
    pub(super) waiting: Vec<Waiter>,
    /// The programs that wait for a person to allow them, in the order in which they asked.
    pub(super) asking: Vec<Program>,
    /// Is the question about the first of them put to the person?
    pub(super) is_question_put: bool,
    /// When it left the screen unanswered, UTC.
    pub(super) question_gone_at: Option<Timestamp>,
    /// The person chose *Retry*, and has not heard yet what came of it.
    pub(super) is_retry_chosen: bool,
    /// Rings when the keychain may take a token that it refused.
    pub(super) retry_store: Arc<Notify>,
}

/// Waits until the refresher rests.
pub(super) enum Waiter {
    /// For a refresh, since then; without a reply, a person clicked.
    Refresh(RefreshGoal, LastSuccess, Option<Reply<RefreshAnswer>>),
    /// To have the token copied; without a program, a person clicked.
    Copy(Option<CopyRequest>),
}

impl Waiter {
    pub(super) fn account_is_gone(self) {
        match self {
            Self::Refresh(_, _, Some(reply)) => drop(reply.send(Err(account_was_removed()))),
            Self::Copy(Some(request)) => drop(request.reply.send(Err(account_was_removed()))),
            // The person who clicked has just removed it.
            Self::Refresh(_, _, None) | Self::Copy(None) => {}
        }
    }
}

/// The problem of who asked for an account that was removed since.
pub(super) fn account_was_removed() -> Problem {
    Problem::new(ProblemKind::UnknownAccount, "The account was removed.", "Log in again.")
}

/// A program that wants the token copied, and was let in.
pub(super) struct CopyRequest {
    pub(super) caller: Caller,
    /// Does a notification answer too?
    pub(super) notify: bool,
    pub(super) reply: Reply<CopyAnswer>,
}

/// The last refresh that had worked when somebody asked for another one, and when that was.
#[derive(Clone, Copy)]
pub(super) struct LastSuccess {
    pub(super) before: Option<Timestamp>,
    pub(super) asked_at: Timestamp,
}

impl LastSuccess {
    /// Has a refresh worked since? What the keychain had all along, which an agent that just started reads, does not count.
    pub(super) fn is_followed_by(self, now: Option<Timestamp>) -> bool {
        now != self.before && (self.before.is_some() || now >= Some(self.asked_at))
    }
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
    pub(super) fn new(id: AccountId, account: Account) -> Box<Self> {
        Box::new(Self {
            has_no_id: account.id.is_none(),
            is_settled: false,
            identity: LoginIdentity { account: id.clone(), server: Origin::of(&account.server.endpoint) },
            id,
            server: ServerCell::of(account.server.clone()),
            account,
            is_ahead_of_file: false,
            session: Session::opening(),
            access_token: None,
            last_stored: None,
            last_state: State::Refreshing,
            stepped_at: Timestamp::MIN,
            refreshes: RefreshCounts::default(),
            waiting: Vec::new(),
            asking: Vec::new(),
            is_question_put: false,
            question_gone_at: None,
            is_retry_chosen: false,
            retry_store: Arc::new(Notify::new()),
        })
    }

    pub(super) const fn account(&self) -> &Account {
        &self.account
    }

    pub(super) fn permission(&self, caller: &Caller) -> Permission {
        self.account.sharing.permission(caller.program.as_ref())
    }

    pub(super) const fn identity(&self) -> &LoginIdentity {
        &self.identity
    }

    /// Counts the outcome of a refresh that is waited for, and a log-in.
    pub(super) fn count(&mut self, event: &Event) {
        if let Event::AuthorizationGranted(_) = event {
            self.refreshes.succeeded += 1;
        } else if let Event::TokenGranted { request, .. } = event {
            let has_token = brings_access_token(event);
            let count = if has_token { &mut self.refreshes.succeeded } else { &mut self.refreshes.failed };
            *count += u64::from(self.session.awaits(*request));
        } else if let Event::TokenRequestFailed { request, failure } = event {
            let is_refusal = matches!(failure, Failure::AuthorizationRequired(_));
            let count = if is_refusal { &mut self.refreshes.refused } else { &mut self.refreshes.failed };
            *count += u64::from(self.session.awaits(*request));
        }
    }

    /// The account as it is configured from now on.
    pub(super) fn configure(&mut self, account: Account) {
        self.server.set(account.server.clone());
        self.identity.server = Origin::of(&account.server.endpoint);
        self.account = account;
    }

    /// The server that its log-in was for.
    pub(super) fn follow(&mut self, server: Arc<Server>) {
        self.configure(Account { server, ..self.account.clone() });
    }
}

/// Is there a new access token that can be used? A server may grant a refresh token alone.
pub(super) fn brings_access_token(event: &Event) -> bool {
    if let Event::TokenGranted { tokens, .. } | Event::AuthorizationGranted(tokens) = event {
        return tokens.access_token.lifetime().is_positive();
    }
    false
}
