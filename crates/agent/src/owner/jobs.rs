//! Work that takes time, off the owner's task.

use evertoken_core::account::AccountName;
use evertoken_core::api::login_problem::keychain_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountChange, AccountSettings};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::access_token::AccessTokenInfo;
use evertoken_core::login::flow::LONGEST_QUESTION;
use evertoken_core::login::journal::{Entry, Record, Summary, summarize, was_presented};
use evertoken_core::login::recovery::recover;
use evertoken_core::login::rotation::Purpose;
use evertoken_core::login::session::RequestId;
use evertoken_core::login::token_store::{LogIn, Slot, StoredAccessToken, StoredRefreshToken, StoredTokens};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token::{AccessToken, Fingerprint};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::finished::{Finished, JobResult, Opened};
use crate::http::discovery::discover;
use crate::request::Reply;
use crate::rotation::{AccountContext, Found, rotate};
use crate::store::account_lock::AccountLock;
use crate::system::boot;

/// Reads an account's tokens and journal. Who has no lock writes nothing: what is there is read, and the access token used.
pub(super) async fn open(context: AccountContext) -> Option<JobResult> {
    let opened = match AccountLock::acquire_to_read(context.lock.clone()).await {
        Ok(lock) => read(&context, &lock).await,
        Err(error) => {
            tracing::warn!(account = %context.name, "opened without the account's lock: {error}");
            look(&context).await
        }
    };
    Some(JobResult::Opened(opened.map(Box::new)))
}

async fn read(context: &AccountContext, lock: &AccountLock) -> Result<Opened, KeychainProblem> {
    let found = context.read_settled(lock).await?;
    let waiting = found.tokens.waiting.clone();
    let is_waiting = waiting.as_ref().is_some_and(|waiting| still_waits(waiting, &found));
    if waiting.is_some() && !is_waiting {
        context.dismiss(lock, &found.tokens).await;
    }
    Ok(Opened { waiting: waiting.filter(|_| is_waiting), is_settled: true, ..opened(context, found)? })
}

async fn look(context: &AccountContext) -> Result<Opened, KeychainProblem> {
    opened(context, context.look().await?)
}

fn opened(context: &AccountContext, Found { tokens, entries }: Found) -> Result<Opened, KeychainProblem> {
    let server = context.server.get().ok_or(KeychainProblem::Missing)?;
    let journal = if context.tokens.forgets() { Summary::default() } else { summarize(&entries) };
    Ok(Opened {
        recovered: recover(&tokens.found(&server), &journal, &boot::id())?,
        unfinished: unfinished(&tokens, Some(&server)),
        access_token: tokens.access_token.map(|stored| stored.token),
        waiting: None,
        is_settled: false,
    })
}

fn unfinished(tokens: &StoredTokens, configured: Option<&Server>) -> Option<(LogIn, Fingerprint)> {
    let log_in = tokens.unfinished_log_in(configured)?.clone();
    Some((log_in, tokens.current()?.info(Slot::A).fingerprint))
}

/// Does it wait for an answer? Not when it was answered, or has waited too long.
fn still_waits(waiting: &StoredRefreshToken, found: &Found) -> bool {
    let asked_at = waiting.log_in.as_ref().and_then(|log_in| log_in.question.as_ref()).map(|asked| asked.asked_at);
    let age = asked_at.map(|asked_at| Timestamp::now().duration_since(asked_at));
    let is_recent = age.is_some_and(|age| !age.is_negative() && age < LONGEST_QUESTION);
    let is_answered =
        found.tokens.waiting_is_carried_on() || was_presented(&found.entries, waiting.info(Slot::A).fingerprint);
    is_recent && !is_answered
}

/// The log-in of an account that the configuration does not have, with the token that it is about.
pub(super) async fn unfinished_log_in(context: AccountContext) -> Option<JobResult> {
    let lock = AccountLock::acquire(context.lock.clone()).await.ok()?;
    let Found { tokens, entries } = context.read_settled(&lock).await.ok()?;
    let Some(current) = tokens.current() else {
        if tokens.waiting.is_none() && !entries.iter().any(|entry| entry.record.is_of_a_login()) {
            forget_refused(&context).await;
        }
        return None;
    };
    // One that was not proven is tried by the account's own next refresh.
    let fingerprint = current.proven.then(|| current.info(Slot::A).fingerprint);
    Some(JobResult::Unfinished(current.log_in.clone()?, fingerprint))
}

/// What a log-in that made no account has left behind. The lock's file stays: somebody may wait for it.
async fn forget_refused(context: &AccountContext) {
    if context.tokens.forget_account().await.is_ok()
        && let Err(error) = context.journal.remove().await
    {
        tracing::warn!("the journal of a log-in that was refused stays: {error}");
    }
}

/// Renews an account's tokens.
pub(super) async fn refresh(
    context: AccountContext,
    purpose: Purpose,
    request: RequestId,
    reports: mpsc::UnboundedSender<Finished>,
) -> Option<JobResult> {
    let id = context.id.clone();
    let delayed = move |problem| {
        let _ = reports.send(Finished::so_far(id.clone(), JobResult::StoreDelayed(request, problem)));
    };
    Some(JobResult::Refreshed(request, rotate(&context, purpose, None, delayed).await))
}

/// Writes an access token's times anew after the clock was set, so that the next start does not take it to be valid for longer
/// than it is. Best effort.
pub(super) async fn write_times(
    context: AccountContext,
    generation: u64,
    times: AccessTokenInfo,
    token: AccessToken,
) -> Option<JobResult> {
    let _lock = AccountLock::acquire(context.lock.clone()).await.ok()?;
    let tokens = context.tokens.read().await.ok()?;
    if tokens.current()?.generation == generation {
        let stored = StoredAccessToken::new(generation, times, token);
        let _ = context.tokens.store_access_token(&stored).await;
    }
    None
}

/// The journal says that the configuration has followed a log-in.
pub(super) async fn record_log_in(context: AccountContext, fingerprint: Fingerprint) -> Option<JobResult> {
    let _ = context.record(Record::LoggedIn { fingerprint }).await;
    None
}

/// Remembers that the person has seen the newest refusal, so that a restart of the agent does not tell of it again.
pub(super) async fn record_told(context: AccountContext) -> Option<JobResult> {
    let entries = context.journal.read().await.ok()?;
    let fingerprint = entries.iter().rev().find_map(Entry::refused)?;
    let _ = context.record(Record::Told { fingerprint, boot: boot::id() }).await;
    None
}

/// Asks an issuer for the endpoints of a new account.
pub(super) async fn discover_for(
    issuer: Issuer,
    name: AccountName,
    settings: AccountSettings,
    reply: Reply<AccountStatus>,
) -> Option<JobResult> {
    let result = discover(&issuer).await;
    Some(JobResult::Discovered(name, settings, result, reply))
}

/// Is there nothing in the keychain that belongs to the account's server?
pub(super) async fn may_change_server(
    context: AccountContext,
    server: Server,
    change: AccountChange,
    reply: Reply<AccountStatus>,
) -> Option<JobResult> {
    let allowed = has_no_secret(&context).await;
    Some(JobResult::ServerMayChange(Box::new((server, change)), allowed, reply))
}

async fn has_no_secret(context: &AccountContext) -> Result<(), Problem> {
    let locked_out = |problem| keychain_problem(&context.name, problem);
    let lock = AccountLock::acquire(context.lock.clone()).await?;
    context.take_over_old_entries(&lock).await.map_err(locked_out)?;
    let tokens = context.tokens.read().await.map_err(locked_out)?;
    let secret = context.tokens.client_secret_left().await.map_err(locked_out)?;
    match context.server.get() {
        Some(server) if tokens.current().is_some() || tokens.waiting.is_some() || secret.is_some() => {
            Err(server_is_fixed(&context.name, &server))
        }
        Some(_) | None => Ok(()),
    }
}

/// A program that reaches the socket must not have a secret sent elsewhere.
pub(super) fn server_is_fixed(name: &AccountName, server: &Server) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        format!(
            "{name} belongs to {}: its server changes with a log-in there; nothing was changed.",
            server.endpoint.host()
        ),
        format!("Log in at the other server, `evertoken login {name} --endpoint URL`, or change it in config.toml."),
    )
}

/// The problem of a state folder that cannot be used.
pub(crate) fn state_folder(error: &std::io::Error) -> Problem {
    Problem::new(
        ProblemKind::Failed,
        format!("The state folder cannot be used: {error}; the login is kept."),
        "Make the state folder writable and free some space, then try again.",
    )
}
