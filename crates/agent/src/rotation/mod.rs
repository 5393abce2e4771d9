//! Carries a [`Rotation`] out: the edge that reads, writes and sends what the pure machine asks for.

mod client_secrets;
mod secrets;

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::{Account, AccountName};
use evertoken_core::login::journal::{Entry, Record, summarize};
use evertoken_core::login::rotation::{Answer, Outcome, Purpose, Rotation, Step};
use evertoken_core::login::session::Tokens;
use evertoken_core::login::token_store::{
    KeychainProblem, RefreshTokenInfo, Slot, StoredAccessToken, StoredRefreshToken,
};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::token::{AccessToken, Fingerprint, RefreshToken};
use evertoken_core::oauth::token_request::AuthorizationGrant;
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::{info, warn};

use self::secrets::{Edge, granted};
use crate::http::token_endpoint;
use crate::store::account_lock::AccountLock;
use crate::store::journal_file::JournalFile;
use crate::store::token_store::{self, FIRST_STORE_RETRY, LONGEST_STORE_RETRY, Vault};
use crate::system::fail_point::fail_point;

/// What an exchange works with.
#[derive(Clone)]
pub(crate) struct Workplace {
    pub(crate) name: AccountName,
    pub(crate) account: Account,
    pub(crate) vault: Vault,
    pub(crate) journal: JournalFile,
    pub(crate) lock: std::path::PathBuf,
    /// What this agent stored last. A keychain may confirm a write, crash, and come back without it.
    pub(crate) newest: Option<InSlot>,
    /// Rings when the keychain may take a token that it refused.
    pub(crate) store_nudge: Arc<Notify>,
}

/// A refresh token and the slot that it was stored in.
pub(crate) type InSlot = (Slot, StoredRefreshToken);

/// How an exchange ended, with the tokens if it brought some.
pub(crate) struct Exchanged {
    pub(crate) outcome: Outcome,
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) newest: Option<InSlot>,
    /// A login of another user, which was not kept.
    pub(crate) set_aside: Option<Given>,
}

/// What a person gave to log in with.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) refresh_token: Option<RefreshToken>,
    pub(crate) client_secret: Option<ClientSecret>,
    /// The only user whose login is kept.
    pub(crate) user_id: Option<String>,
    /// What a person gave for it, if nobody but this agent holds it: then it waits for another try unless the server refused
    /// it.
    pub(crate) held_for: Option<Fingerprint>,
}

impl Given {
    /// What would be lost with a try that came to nothing.
    fn only_held_here(self) -> Option<Self> {
        Some(self).filter(|given| given.held_for.is_some())
    }
}

/// Carries a rotation out, to its end. `store_delayed` hears why the keychain does not take a new token.
pub(crate) async fn exchange(
    place: Workplace,
    purpose: Purpose,
    given: Given,
    store_delayed: impl Fn(KeychainProblem) + Send,
) -> Exchanged {
    let Ok(_lock) = AccountLock::acquire(place.lock.clone()).await else {
        return Exchanged {
            outcome: Outcome::Failed(Failure::Journal),
            access_token: None,
            newest: None,
            set_aside: given.only_held_here(),
        };
    };
    let mut edge = Edge::new(given);
    let mut rotation = Rotation::new(purpose);
    loop {
        let step = rotation.next().clone();
        if let Step::Finished(outcome) = step {
            let (access_token, newest) = (edge.access_token(&outcome), edge.newest(&outcome));
            let set_aside = edge.set_aside(&outcome);
            return Exchanged { outcome, access_token, newest, set_aside };
        }
        let answer = place.carry_out(step, &purpose, &mut edge, &store_delayed).await;
        rotation = rotation.advance(answer, edge.clock.now());
        if let Some(by) = edge.clock.jump() {
            rotation = rotation.clock_set(by);
        }
    }
}

impl Workplace {
    async fn carry_out(
        &self,
        step: Step,
        purpose: &Purpose,
        edge: &mut Edge,
        store_delayed: &(impl Fn(KeychainProblem) + Send),
    ) -> Answer {
        match step {
            Step::ReadTokens => match self.read(purpose, edge).await {
                Ok(()) => Answer::Read(edge.before.found()),
                Err(problem) => Answer::KeychainFailed(problem),
            },
            Step::ProveWritable => answer(self.vault.prove_writable(edge.probe_length()).await),
            Step::StoreCandidate(info) => answer(self.store_candidate(info, edge).await),
            Step::RecordPresented(info) => {
                fail_point("before-presented");
                let recorded = self.record(Record::Presented { fingerprint: info.fingerprint });
                fail_point("after-presented");
                recorded
            }
            Step::Send(info) => self.send(info, edge).await,
            Step::StoreRefreshToken(info) => {
                self.store_for_certain(info, edge, store_delayed).await;
                Answer::Done
            }
            Step::RecordStored(tokens) => self.record_stored(&tokens, purpose),
            Step::StoreAccessToken(tokens) => {
                self.forget_unused_secret(purpose).await;
                answer(self.store_access_token(&tokens, edge).await)
            }
            Step::RecordFailure(fingerprint, failure) => match Record::of_failure(fingerprint, &failure) {
                Some(record) => self.record(record),
                None => Answer::Done,
            },
            Step::DropCandidate(slot) => answer(self.drop_candidate(slot, edge).await),
            Step::Finished(_) => Answer::Done,
        }
    }

    /// Puts back what the keychain has lost, as long as the journal knows of nothing newer: not after a log-out, and not
    /// after another agent's log-in.
    async fn read_tokens(&self) -> Result<token_store::Tokens, KeychainProblem> {
        let tokens = self.vault.read().await?;
        let Some((slot, newest)) = &self.newest else { return Ok(tokens) };
        let is_older = tokens.found().current().is_some_and(|current| current.generation < newest.generation);
        if !is_older || self.stored_last() != Some(newest.token.fingerprint()) {
            return Ok(tokens);
        }
        warn!(account = %self.name, token = %newest.token.fingerprint(), "the keychain lost what it had stored: stored again");
        self.vault.store_refresh_token(*slot, newest).await?;
        self.vault.read().await
    }

    fn stored_last(&self) -> Option<Fingerprint> {
        self.journal.read().ok().and_then(|entries| summarize(&entries).stored)
    }

    /// Everything that the account has in the keychain.
    async fn read(&self, purpose: &Purpose, edge: &mut Edge) -> Result<(), KeychainProblem> {
        edge.before = self.read_tokens().await?;
        if self.account.token_endpoint_auth_method.needs_secret() {
            self.read_client_secrets(purpose, edge).await?;
        }
        Ok(())
    }

    async fn send(&self, info: RefreshTokenInfo, edge: &mut Edge) -> Answer {
        let Some(token) = edge.to_present(info).cloned() else {
            return Answer::KeychainFailed(KeychainProblem::Missing);
        };
        let sent_at = edge.clock.now();
        let client_secret = edge.client_secrets.for_generation(info.generation).cloned();
        let answer =
            token_endpoint::present(&self.account, AuthorizationGrant::RefreshToken(&token), client_secret.as_ref())
                .await;
        let sent_at = sent_at.saturating_add(edge.clock.jump().unwrap_or_default()).unwrap_or(sent_at);
        match answer {
            Ok(grant) => {
                fail_point("after-answer");
                let granted = granted(&grant, sent_at);
                let another_user = edge.another_user(&info, &grant);
                edge.grant = Some(grant);
                match another_user {
                    Some(users) => Answer::RequestFailed(Failure::AnotherUser(users)),
                    None => Answer::Granted(granted),
                }
            }
            Err(failure) => {
                warn!(account = %self.name, token = %info.fingerprint, "not refreshed: {}", failure.in_words());
                Answer::RequestFailed(failure)
            }
        }
    }

    async fn store(&self, info: RefreshTokenInfo, edge: &Edge) -> Result<(), KeychainProblem> {
        let stored = edge.to_store(info).ok_or(KeychainProblem::Missing)?;
        self.vault.store_refresh_token(info.slot, &stored).await
    }

    /// The new refresh token exists nowhere but here: the keychain is asked until it has it.
    async fn store_for_certain(
        &self,
        info: RefreshTokenInfo,
        edge: &Edge,
        store_delayed: &(impl Fn(KeychainProblem) + Send),
    ) {
        let mut wait = FIRST_STORE_RETRY;
        fail_point("before-store");
        while let Err(problem) = self.store(info, edge).await {
            if wait == FIRST_STORE_RETRY {
                warn!(account = %self.name, token = %info.fingerprint, "the new login is only in memory: {problem}");
                self.record(Record::StoreDelayed { fingerprint: info.fingerprint, reason: problem.to_string() });
            }
            store_delayed(problem);
            self.nudged_or_elapsed(wait).await;
            if self.has_landed(info).await {
                break;
            }
            wait = (wait * 2).min(LONGEST_STORE_RETRY);
        }
        fail_point("after-store");
    }

    /// Has a write that was given up landed after all? Then the only copy is not written over.
    async fn has_landed(&self, info: RefreshTokenInfo) -> bool {
        let tokens = self.vault.read().await;
        tokens.is_ok_and(|tokens| tokens.in_slot(info.slot).is_some_and(|stored| stored.info(info.slot) == info))
    }

    async fn nudged_or_elapsed(&self, wait: Duration) {
        tokio::select! {
            () = self.store_nudge.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    fn record_stored(&self, tokens: &Tokens, purpose: &Purpose) -> Answer {
        let RefreshTokenInfo { fingerprint, rotations, .. } = tokens.refresh_token;
        let expires_at = tokens.access_token.expires_at;
        info!(account = %self.name, token = %fingerprint, rotations, until = %expires_at, "refreshed and stored");
        let stored = self.record(Record::Stored { fingerprint, rotations, expires_at });
        fail_point("after-stored");
        match purpose {
            Purpose::Refresh { .. } => stored,
            Purpose::LogIn { .. } => self.record(Record::LoggedIn { fingerprint }),
        }
    }

    async fn store_access_token(&self, tokens: &Tokens, edge: &Edge) -> Result<(), KeychainProblem> {
        let Some(grant) = &edge.grant else { return Ok(()) };
        let Tokens { access_token, refresh_token, .. } = tokens.clone();
        let stored = StoredAccessToken::new(refresh_token.generation, access_token, grant.access_token.clone());
        self.vault.store_access_token(&stored).await
    }

    fn record(&self, record: Record) -> Answer {
        match self.journal.append(&Entry { at: Timestamp::now(), record }) {
            Ok(()) => Answer::Done,
            Err(error) => {
                warn!(account = %self.name, "the journal cannot be written: {error}");
                Answer::JournalFailed
            }
        }
    }
}

fn answer(result: Result<(), KeychainProblem>) -> Answer {
    result.map_or_else(Answer::KeychainFailed, |()| Answer::Done)
}
