//! Access tokens from the agent, asked for anew for each request: rotations, log-outs and expiry are followed because
//! nothing is kept here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::token::{AccessToken, Fingerprint};
use tokio::pin;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use crate::served::Served;

type Answer = Result<AccessToken, Problem>;

/// How many requests share one answer at most: all that there can be.
const BATCH: usize = 1024;
/// A server that refuses every token must not spend one refresh token after the other.
const BETWEEN_RENEWALS: Duration = Duration::from_hours(1);
/// How long a token that is still valid waits for one that lasts longer. The agent refreshes in any case.
const WORTH_WAITING: Duration = Duration::from_secs(2);

/// The account's tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    served: Arc<Served>,
    askers: mpsc::UnboundedSender<oneshot::Sender<Answer>>,
    /// When a refused token was last renewed.
    renewed_at: Mutex<Option<Instant>>,
}

impl Tokens {
    /// Of this account; `None`: the default account, or the only one.
    ///
    /// # Errors
    /// The agent cannot be asked.
    pub(crate) async fn of(client: Client, account: Option<AccountName>) -> Result<Self, Problem> {
        let served = Arc::new(Served::now(client, account).await?);
        let (askers, receiver) = mpsc::unbounded_channel();
        tokio::spawn(answer(Arc::clone(&served), receiver));
        Ok(Self { served, askers, renewed_at: Mutex::new(None) })
    }

    /// A token that is valid now.
    pub(crate) async fn current(&self) -> Answer {
        let (reply, answer) = oneshot::channel();
        let gone = || Problem::new(ProblemKind::AgentUnavailable, "The proxy is ending.", "Start it again.");
        self.askers.send(reply).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Another token, after an upstream server has answered 401 to this one; `None` when there is none.
    ///
    /// One that the agent has by now, however many requests the old one was refused to, or one from a refresh, of which
    /// there is one in an hour.
    pub(crate) async fn after_refusal(&self, refused: &AccessToken) -> Option<AccessToken> {
        let mut renewed_at = self.renewed_at.lock().await;
        let refused = refused.fingerprint();
        let current = self.current().await.ok()?;
        if current.fingerprint() != refused {
            return Some(current);
        }
        if renewed_at.is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS) {
            return None;
        }
        match self.served.refresh(None).await {
            // Too young to be replaced: nothing was sent.
            Ok(false) => return None,
            Ok(true) => {}
            Err(problem) => {
                tracing::warn!("a refused access token could not be renewed: {}", problem.detail);
                if problem.kind == ProblemKind::AgentUnavailable {
                    return None;
                }
            }
        }
        *renewed_at = Some(Instant::now());
        self.other_than(refused).await
    }

    async fn other_than(&self, refused: Fingerprint) -> Option<AccessToken> {
        self.current().await.ok().filter(|token| token.fingerprint() != refused)
    }
}

/// One question to the agent at a time; those who ask meanwhile share the next one, so nobody gets a token that was
/// read before they asked.
async fn answer(served: Arc<Served>, mut askers: mpsc::UnboundedReceiver<oneshot::Sender<Answer>>) {
    let mut waiting = Vec::new();
    while askers.recv_many(&mut waiting, BATCH).await > 0 {
        let answer = valid(&served).await;
        for asker in waiting.drain(..) {
            let _ = asker.send(answer.clone());
        }
    }
}

/// One that lasts as long as is usual, after a refresh if need be; where that fails or takes long, one that is still valid.
async fn valid(served: &Served) -> Answer {
    match served.token(None).await {
        Err(problem) if matches!(problem.kind, ProblemKind::TryLater | ProblemKind::Keychain) => {}
        outcome => return outcome,
    }
    let (usual, any) = (Some(0), Some(0));
    let refresh = served.refresh(usual);
    pin!(refresh);
    let refreshed = match timeout(WORTH_WAITING, &mut refresh).await {
        Ok(refreshed) => refreshed,
        Err(_) => match served.token(any).await {
            Ok(token) => return Ok(token),
            Err(_) => refresh.await,
        },
    };
    served.token(if refreshed.is_ok() { None } else { any }).await
}
