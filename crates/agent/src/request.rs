//! What clients ask of the owner of the state, and the way to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Caller;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{
    AccessAnswer, AccountChange, AccountSettings, Approval, CallbackRequest, CopyAnswer, LoginRequest, LogoutAnswer,
    NewAccount, RefreshAnswer, RefreshRequest, ReplaceRequest, SignInEvent, SignInRequest, TokenAnswer,
};
use evertoken_core::api::status::{AccountStatus, StatusReport};
use evertoken_core::config::{Settings, SettingsChange};
use evertoken_core::login::journal::HistoryAnswer;
use evertoken_core::oauth::server::SignInMethod;
use tokio::sync::{mpsc, oneshot, watch};

use crate::store::keychain::Keychain;

/// A disk writes a token at once; a home folder on a network may hang.
const TOKEN_FILES_WITHIN: Duration = Duration::from_secs(2);

/// The events of a sign-in.
pub(crate) type SignInEvents = mpsc::UnboundedSender<SignInEvent>;
/// Where the answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Problem>>;
/// `None`: the default account, or the only one.
pub(crate) type AccountRef = Option<AccountName>;

/// What a client asks of the owner of the state.
pub(crate) enum Call {
    Status(Reply<StatusReport>),
    Metrics(Reply<String>),
    Token(AccountRef, Caller, Option<u64>, Reply<TokenAnswer>),
    Create(NewAccount, Reply<AccountStatus>),
    Change(AccountRef, AccountChange, Reply<AccountStatus>),
    Remove(AccountRef, Reply<()>),
    LogIn(AccountRef, LoginRequest, Reply<AccountStatus>),
    SignIn(AccountRef, SignInMethod, SignInRequest, SignInEvents),
    Callback(AccountRef, CallbackRequest, Reply<()>),
    ReplaceUser(AccountRef, ReplaceRequest, Reply<AccountStatus>),
    Refresh(AccountRef, RefreshRequest, Reply<RefreshAnswer>),
    /// With `true` a notification answers too.
    Copy(AccountRef, Caller, bool, Reply<CopyAnswer>),
    Approve(AccountRef, Approval, Reply<AccountStatus>),
    Accesses(Reply<AccessAnswer>),
    LogOut(AccountRef, Reply<LogoutAnswer>),
    History(AccountRef, Reply<HistoryAnswer>),
    AccountSettings(AccountRef, Reply<AccountSettings>),
    Settings(Reply<Settings>),
    InUse(Reply<InUse>),
    /// Is answered when no token file is being written or removed.
    TokenFilesKept(Reply<()>),
    ChangeSettings(SettingsChange, Reply<Settings>),
}

/// What the agent uses, for who looks at it.
pub(crate) struct InUse {
    pub(crate) keychain: Keychain,
    pub(crate) locks: Vec<(AccountName, PathBuf)>,
}

/// How far the owner's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    /// What is half done is finished. No call is taken any more.
    Ending,
    Ended,
}

/// Takes a call in the client's turn.
pub(crate) type TakesCalls = Arc<dyn Fn(Call) + Send + Sync>;

/// The way to the owner of the state, for every connection.
#[derive(Clone)]
pub(crate) struct OwnerHandle {
    take_call: TakesCalls,
    life: watch::Receiver<Life>,
    pub(crate) reports: watch::Receiver<Arc<StatusReport>>,
}

impl OwnerHandle {
    pub(crate) fn new(
        take_call: TakesCalls,
        life: watch::Receiver<Life>,
        reports: watch::Receiver<Arc<StatusReport>>,
    ) -> Self {
        Self { take_call, life, reports }
    }

    pub(crate) async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        (self.take_call)(call(reply));
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.no_answer().await),
        }
    }

    /// Why a call has no answer. That the agent is ending is said when it has ended: another one can start at once then.
    pub(crate) async fn no_answer(&self) -> Problem {
        let mut life = self.life.clone();
        if *life.borrow() == Life::Running {
            return Problem::new(ProblemKind::Failed, "The agent gave no answer; the login is kept.", "Try again.");
        }
        let _ = life.wait_for(|life| *life == Life::Ended).await;
        Problem::new(ProblemKind::AgentUnavailable, "The agent is ending.", "Start it again.")
    }

    /// Returns when the token files are as they should be: what was asked for is done then. A file system that hangs is not
    /// waited for.
    pub(crate) async fn token_files_kept(&self) {
        let _ = tokio::time::timeout(TOKEN_FILES_WITHIN, self.ask(Call::TokenFilesKept)).await;
    }

    /// A sign-in's events; it ends when they are dropped.
    pub(crate) fn sign_in(
        &self,
        account: AccountRef,
        method: SignInMethod,
        request: SignInRequest,
    ) -> mpsc::UnboundedReceiver<SignInEvent> {
        let (events_out, events) = mpsc::unbounded_channel();
        (self.take_call)(Call::SignIn(account, method, request, events_out));
        events
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::pin::pin;

    use evertoken_core::account::order::AccountOrder;
    use evertoken_core::api::status::AgentInfo;
    use futures_util::poll;
    use jiff::Timestamp;

    use super::*;

    pub(crate) fn handle(take_call: TakesCalls, life: Life) -> (OwnerHandle, watch::Sender<Life>) {
        let (sender, life) = watch::channel(life);
        let (version, started_at) = (String::new(), Timestamp::UNIX_EPOCH);
        let agent = AgentInfo { version, pid: 0, started_at, quitting: false };
        let report = StatusReport { agent, accounts: Vec::new(), account_order: AccountOrder::default() };
        let (_, reports) = watch::channel(Arc::new(report));
        (OwnerHandle::new(take_call, life, reports), sender)
    }

    #[tokio::test]
    async fn a_late_call_is_not_kept_and_its_client_hears_of_the_end_when_another_agent_can_start() {
        let (handle, life) = handle(Arc::new(drop), Life::Ending);
        let mut asked = pin!(handle.ask(Call::Settings));
        assert!(poll!(asked.as_mut()).is_pending());
        life.send_replace(Life::Ended);
        assert_eq!(asked.await.unwrap_err().kind, ProblemKind::AgentUnavailable);
    }

    #[tokio::test]
    async fn a_call_that_an_agent_drops_that_goes_on_fails_at_once() {
        let (handle, _life) = handle(Arc::new(drop), Life::Running);
        assert_eq!(handle.ask(Call::Settings).await.unwrap_err().kind, ProblemKind::Failed);
    }
}
