//! Access tokens from the agent, asked for anew for each request: rotations, log-outs and expiry are followed because
//! nothing is kept here.

use std::sync::Arc;

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::RefreshRequest;
use evertoken_core::oauth::token::{AccessToken, Fingerprint};
use tokio::sync::{Mutex, mpsc, oneshot};

type Answer = Result<AccessToken, Problem>;

/// How many requests share one answer at most: all that there can be.
const BATCH: usize = 1024;

/// The account's tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    source: Arc<Source>,
    askers: mpsc::UnboundedSender<oneshot::Sender<Answer>>,
    /// The token for which no refresh is worth while any more: it came from one, or its refresh failed.
    settled: Mutex<Option<Fingerprint>>,
}

impl Tokens {
    /// Of this account; `None`: the default account, or the only one.
    pub(crate) fn new(client: Client, account: Option<AccountName>) -> Self {
        let source = Arc::new(Source { client, account });
        let (askers, receiver) = mpsc::unbounded_channel();
        tokio::spawn(answer(Arc::clone(&source), receiver));
        Self { source, askers, settled: Mutex::new(None) }
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
    /// One refresh for a token, however many requests it was refused to, and none for a token that came from such a
    /// refresh: a server that refuses every token must not spend one refresh token after the other. While the agent
    /// holds its grants apart, nothing is sent and nothing is settled.
    pub(crate) async fn after_refusal(&self, refused: &AccessToken) -> Option<AccessToken> {
        let mut settled = self.settled.lock().await;
        let refused = refused.fingerprint();
        if let Some(newer) = self.other_than(refused).await {
            return Some(newer);
        }
        if *settled == Some(refused) {
            return None;
        }
        if let Err(problem) = self.source.refresh(None).await {
            tracing::warn!("a refused access token could not be renewed: {}", problem.detail);
            // An agent that is there goes on trying by itself.
            if problem.kind != ProblemKind::AgentUnavailable {
                *settled = Some(refused);
            }
            return None;
        }
        let newer = self.other_than(refused).await?;
        *settled = Some(newer.fingerprint());
        Some(newer)
    }

    async fn other_than(&self, refused: Fingerprint) -> Option<AccessToken> {
        self.current().await.ok().filter(|token| token.fingerprint() != refused)
    }
}

/// One question to the agent at a time; those who ask meanwhile share the next one, so nobody gets a token that was
/// read before they asked.
async fn answer(source: Arc<Source>, mut askers: mpsc::UnboundedReceiver<oneshot::Sender<Answer>>) {
    let mut waiting = Vec::new();
    while askers.recv_many(&mut waiting, BATCH).await > 0 {
        let answer = source.valid().await;
        for asker in waiting.drain(..) {
            let _ = asker.send(answer.clone());
        }
    }
}

#[derive(Debug)]
struct Source {
    client: Client,
    account: Option<AccountName>,
}

impl Source {
    /// One that lasts as long as is usual, after a refresh if need be; where that fails, one that is still valid.
    async fn valid(&self) -> Answer {
        match self.token(None).await {
            Err(problem) if matches!(problem.kind, ProblemKind::TryLater | ProblemKind::Keychain) => {
                let usual = Some(0);
                match self.refresh(usual).await {
                    Ok(()) => self.token(None).await,
                    Err(_) => self.token(Some(0)).await,
                }
            }
            outcome => outcome,
        }
    }

    async fn token(&self, min_valid: Option<u64>) -> Answer {
        let answer = self.client.token(self.account.as_ref(), min_valid).await?;
        Ok(AccessToken::new(answer.access_token))
    }

    async fn refresh(&self, min_valid: Option<u64>) -> Result<(), Problem> {
        self.client.refresh(self.account.as_ref(), RefreshRequest { min_valid }).await.map(drop)
    }
}
