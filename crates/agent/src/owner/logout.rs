//! Logging out: forgets here, then asks the server to revoke.

use evertoken_core::account::AccountName;
use evertoken_core::api::login_problem::keychain_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::LogoutAnswer;
use evertoken_core::config::Edit;
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::journal::Record;
use evertoken_core::login::session::Phase;
use evertoken_core::login::token_store::{Slot, StoredRefreshToken, StoredTokens};
use evertoken_core::oauth::revocation::{Revocation, Revoked};
use tokio::sync::mpsc;

use super::agent::Agent;
use super::finished::{Finished, ForgetReply, JobResult};
use super::jobs::state_folder;
use crate::http::revocation_endpoint::revoke;
use crate::request::AccountRef;
use crate::rotation::AccountContext;
use crate::store::account_lock::AccountLock;

impl Agent {
    pub(super) fn forget(&mut self, account: AccountRef, remove: bool, reply: ForgetReply) {
        let context = self.resolve(account).and_then(|name| {
            if remove {
                self.refuse_while_logged_in(&name)?;
                // Its entries and its journal go first, and only if the account itself can go.
                self.file.takes(&Edit::RemoveAccount(name.clone()), &self.configuration)?;
            }
            self.context(&name).ok_or_else(|| self.unknown_account(&name))
        });
        match context {
            Ok(context) => {
                let id = context.id.clone();
                self.start(&id, forget(context, remove, reply, self.finished.clone()));
            }
            Err(problem) => reply.refuse(problem),
        }
    }

    /// Logging out is the only thing that deletes a refresh token.
    fn refuse_while_logged_in(&self, name: &AccountName) -> Result<(), Problem> {
        let managed = self.account(name).ok_or_else(|| self.unknown_account(name))?;
        match managed.session.phase() {
            Phase::SignedOut => Ok(()),
            Phase::Opening { .. }
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. }
            | Phase::ServerChanged(_) => Err(still_logged_in(name)),
        }
    }

    pub(super) fn forgotten(
        &mut self,
        name: &AccountName,
        remove: bool,
        result: Result<Option<Revocation>, Problem>,
        reply: ForgetReply,
    ) {
        let removed = result.and_then(|revocation| {
            if remove {
                self.remove(name)?;
            }
            Ok(revocation)
        });
        match (removed, reply) {
            (Err(problem), reply) => reply.refuse(problem),
            (Ok(revocation), ForgetReply::LoggedOut(reply)) => {
                let answer = self.status_of(name).map(|account| LogoutAnswer { account, revocation });
                drop(reply.send(answer));
            }
            (Ok(_), ForgetReply::Removed(reply)) => drop(reply.send(Ok(()))),
        }
    }
}

impl ForgetReply {
    pub(super) fn refuse(self, problem: Problem) {
        match self {
            Self::LoggedOut(reply) => drop(reply.send(Err(problem))),
            Self::Removed(reply) => drop(reply.send(Err(problem))),
        }
    }
}

fn still_logged_in(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        format!("{name} is still logged in; nothing was changed."),
        format!("Log out first: `evertoken logout {name}`."),
    )
}

/// Deletes an account's tokens, and asks the server to revoke what they could still do. The log-out does not wait for
/// the server: the program that asked for it does.
async fn forget(
    context: AccountContext,
    remove: bool,
    reply: ForgetReply,
    reports: mpsc::UnboundedSender<Finished>,
) -> Option<JobResult> {
    let result = match forget_tokens(&context, remove).await {
        Ok(left) => {
            let _ = reports.send(Finished::so_far(context.id.clone(), JobResult::SignedOut));
            Ok(revoke_all(&context, left).await)
        }
        Err(problem) => Err(problem),
    };
    Some(JobResult::Forgotten { remove, result, reply })
}

/// Answers what the server is to revoke.
async fn forget_tokens(context: &AccountContext, remove: bool) -> Result<Vec<StoredRefreshToken>, Problem> {
    let locked_out = |problem| keychain_problem(&context.name, problem);
    let lock = AccountLock::acquire(context.lock.clone()).await?;
    context.take_over_old_entries(&lock).await.map_err(locked_out)?;
    let tokens = context.tokens.read().await.map_err(locked_out)?;
    if remove {
        // A log-in may have ended while this waited for the lock.
        if tokens.current().is_some() || tokens.waiting.is_some() {
            return Err(still_logged_in(&context.name));
        }
        context.tokens.forget_account().await.map_err(locked_out)?;
        // The lock's file stays: somebody may wait for it.
        context.journal.remove().await.map_err(|error| state_folder(&error))?;
        return Ok(Vec::new());
    }
    context.tokens.forget_login().await.map_err(locked_out)?;
    if let Err(error) = context.record(Record::LoggedOut).await {
        // A start would look for the login that its journal knows of.
        match context.tokens.put_back(&tokens).await {
            Ok(()) => return Err(state_folder(&error)),
            Err(problem) => tracing::warn!(account = %context.name, "the login is not put back: {problem}"),
        }
    }
    Ok(live(tokens))
}

/// The current refresh token, and beside a candidate that a log-in left behind the one before it; a login that waits too.
fn live(tokens: StoredTokens) -> Vec<StoredRefreshToken> {
    let is_candidate = tokens.current().is_some_and(|current| !current.proven);
    let current = tokens.current().map(|current| current.generation);
    let slots = tokens.a.into_iter().chain(tokens.b);
    let kept = slots.filter(|stored| is_candidate || Some(stored.generation) == current);
    kept.chain(tokens.waiting).collect()
}

/// `None`: there was nothing to revoke.
async fn revoke_all(context: &AccountContext, left: Vec<StoredRefreshToken>) -> Option<Revocation> {
    let configured = context.server.get()?;
    let mut last = None;
    for login in left {
        let server = login.server(&configured);
        let Some(endpoint) = &server.revocation_endpoint else {
            last.get_or_insert_with(Revocation::not_asked);
            continue;
        };
        let lacks_secret = server.token_endpoint_auth_method.needs_secret() && login.client_secret.is_none();
        let outcome = if lacks_secret {
            Err(KeychainProblem::NoClientSecret.to_string())
        } else {
            revoke(server, endpoint, Revoked::RefreshToken(&login.token), login.client_secret.as_ref()).await
        };
        let (revocation, fingerprint) = (Revocation::of(outcome), login.info(Slot::A).fingerprint);
        tracing::info!(account = %context.name, token = %fingerprint, "{}", revocation.in_words());
        let Revocation { confirmed, reason } = revocation.clone();
        let _ = context.record(Record::Revoked { fingerprint, confirmed, reason }).await;
        last = Some(revocation);
    }
    last
}
