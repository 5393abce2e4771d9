//! A token that is valid for as long as a command wants it: from the agent's memory, or after a refresh.

use std::time::Duration;

use clap::Args;
use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{RefreshRequest, TokenAnswer};
use evertoken_core::config::duration::Span;
use tokio::time::{Instant, timeout_at};

/// How long the token must last, and how long a command waits for it.
#[derive(Debug, Args)]
pub(super) struct Validity {
    /// How long the token must last at least, such as 60s or 10m
    #[arg(long, value_name = "DURATION")]
    min_valid: Option<Span>,
    /// How long to wait when there is no valid token and refreshing fails or takes long
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    wait: Span,
}

impl Validity {
    pub(super) async fn token(&self, client: &Client, account: Option<&AccountName>) -> Result<TokenAnswer, Problem> {
        let min_valid = self.min_valid.map(Span::as_secs);
        if self.wait.as_secs() == 0 {
            return valid_token(client, account, min_valid).await;
        }
        let deadline = Instant::now() + Duration::from_secs(self.wait.as_secs());
        match timeout_at(deadline, valid_token(client, account, min_valid)).await {
            Ok(Err(problem)) if may_pass(problem.kind) => {
                wait_for_token(client, account, min_valid, deadline, problem).await
            }
            Ok(outcome) => outcome,
            // The refresh takes longer: the agent goes on with it, and says from memory how things are.
            Err(_elapsed) => client.token(account, min_valid).await,
        }
    }
}

/// A token that lasts for `min_valid` seconds; refreshes when there is none.
async fn valid_token(
    client: &Client,
    account: Option<&AccountName>,
    min_valid: Option<u64>,
) -> Result<TokenAnswer, Problem> {
    after_refresh(client, account, min_valid, || client.token(account, min_valid)).await
}

/// Makes a call that needs a valid token; when there is none, refreshes and makes it once more.
pub(super) async fn after_refresh<T>(
    client: &Client,
    account: Option<&AccountName>,
    min_valid: Option<u64>,
    call: impl AsyncFn() -> Result<T, Problem>,
) -> Result<T, Problem> {
    match call().await {
        Err(problem) if refresh_may_help(problem.kind) => refreshed(client, account, min_valid, call).await,
        outcome => outcome,
    }
}

/// Makes a call once a valid token is there.
pub(super) async fn refreshed<T>(
    client: &Client,
    account: Option<&AccountName>,
    min_valid: Option<u64>,
    call: impl AsyncFn() -> Result<T, Problem>,
) -> Result<T, Problem> {
    client.refresh(account, RefreshRequest { min_valid: Some(min_valid.unwrap_or(0)) }).await?;
    call().await
}

/// The agent answers from memory: an agent that was just started has not read the keychain yet.
pub(crate) fn refresh_may_help(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::TryLater | ProblemKind::Keychain)
}

/// May this pass by itself or by what a person does, without another command?
fn may_pass(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::TryLater | ProblemKind::Keychain | ProblemKind::LoginRequired | ProblemKind::ApprovalRequired
    )
}

/// Asks again at each change that the agent reports; asks the endpoint for nothing, the agent does that.
async fn wait_for_token(
    client: &Client,
    account: Option<&AccountName>,
    min_valid: Option<u64>,
    deadline: Instant,
    mut problem: Problem,
) -> Result<TokenAnswer, Problem> {
    let mut events = client.events().await?;
    // The stream begins with how things are now, so a change before it began is not missed.
    while let Ok(report) = timeout_at(deadline, events.next()).await {
        let Some(report) = report else {
            // After an upgrade another agent goes on.
            events = client.events().await?;
            continue;
        };
        report?;
        match client.token(account, min_valid).await {
            Err(other) if may_pass(other.kind) => problem = other,
            outcome => return outcome,
        }
    }
    Err(problem)
}
