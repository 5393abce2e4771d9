//! The job that logs out: forgets here, then asks the server to revoke.

use evertoken_core::api::problem::Problem;
use evertoken_core::login::journal::{Entry, Record};
use evertoken_core::login::session::keychain_problem;
use evertoken_core::login::token_store::KeychainProblem;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::revocation::Revocation;
use evertoken_core::oauth::token::RefreshToken;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::jobs::{Finished, ForgetReply, JobResult, state_folder};
use crate::http::revocation_endpoint::revoke;
use crate::rotation::Workplace;
use crate::store::account_lock::AccountLock;

/// Deletes an account's tokens, and asks the server to revoke what they could still do. The log-out does not wait for
/// the server: whoever asked for it does.
pub(super) async fn forget(
    place: Workplace,
    incarnation: u64,
    remove: bool,
    reply: ForgetReply,
    reports: mpsc::UnboundedSender<Finished>,
) -> Option<JobResult> {
    let result = match forget_tokens(&place, remove).await {
        Ok(left) => {
            let _ = reports.send(Finished::so_far(place.name.clone(), incarnation, JobResult::SignedOut));
            Ok(revoke_all(&place, left).await)
        }
        Err(problem) => Err(problem),
    };
    Some(JobResult::Forgotten { remove, result, reply })
}

/// What a log-out takes from the keychain, for the server.
#[derive(Default)]
struct Left {
    refresh_tokens: Vec<RefreshToken>,
    client_secret: Option<ClientSecret>,
}

async fn forget_tokens(place: &Workplace, remove: bool) -> Result<Left, Problem> {
    let locked_out = |problem| keychain_problem(&place.name, problem);
    let _lock = AccountLock::acquire(place.lock.clone()).await?;
    if remove {
        place.vault.forget_account().await.map_err(locked_out)?;
        // The lock's file stays: somebody may wait for it.
        place.journal.remove().map_err(|error| state_folder(&error))?;
        return Ok(Left::default());
    }
    let left = if place.account.revocation_endpoint.is_some() {
        left(place).await.map_err(locked_out)?
    } else {
        Left::default()
    };
    place.vault.forget_login().await.map_err(locked_out)?;
    place.journal.append(&Entry { at: Timestamp::now(), record: Record::LoggedOut }).map_err(|e| state_folder(&e))?;
    Ok(left)
}

/// The current refresh token; beside a candidate that a log-in left behind, the one before it too.
async fn left(place: &Workplace) -> Result<Left, KeychainProblem> {
    let tokens = place.vault.read().await?;
    let found = tokens.found();
    let Some(current) = found.current() else { return Ok(Left::default()) };
    let before = found.left_behind().and_then(|_| found.previous());
    let live = before.into_iter().chain([current]).filter_map(|info| tokens.in_slot(info.slot));
    let refresh_tokens = live.map(|stored| stored.token.clone()).collect();
    let client_secret = place.vault.read_client_secrets().await?.for_generation(current.generation).cloned();
    Ok(Left { refresh_tokens, client_secret })
}

/// `None`: there was nothing to revoke, or nowhere to do it.
async fn revoke_all(place: &Workplace, left: Left) -> Option<Revocation> {
    let endpoint = place.account.revocation_endpoint.as_ref()?;
    let Left { refresh_tokens, client_secret } = left;
    let lacks_secret = place.account.token_endpoint_auth_method.needs_secret() && client_secret.is_none();
    let mut last = None;
    for token in refresh_tokens {
        let outcome = if lacks_secret {
            Err(KeychainProblem::NoClientSecret.to_string())
        } else {
            revoke(&place.account, endpoint, &token, client_secret.as_ref()).await
        };
        let revocation = Revocation::of(outcome);
        tracing::info!(account = %place.name, token = %token.fingerprint(), "{}", revocation.in_words());
        let record = Record::Revoked {
            fingerprint: token.fingerprint(),
            confirmed: revocation.confirmed,
            reason: revocation.reason.clone(),
        };
        if let Err(error) = place.journal.append(&Entry { at: Timestamp::now(), record }) {
            tracing::warn!(account = %place.name, "the journal cannot be written: {error}");
        }
        last = Some(revocation);
    }
    last
}
