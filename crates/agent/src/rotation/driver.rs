//! A rotation, step by step, under the account's lock.

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::journal::Record;
use evertoken_core::login::rotation::{Answer, Outcome, Purpose, Rotation, Step};
use evertoken_core::login::session::TokensInfo;
use evertoken_core::login::token_store::{Credential, LogIn, RefreshTokenInfo, StoredAccessToken, StoredRefreshToken};
use evertoken_core::oauth::failure::{AnotherUser, Failure};
use evertoken_core::oauth::token_request::{AuthorizationGrant, token_request};
use jiff::SignedDuration;
use tracing::{info, warn};

use super::secrets::{RotationSecrets, granted};
use super::settled::fingerprint;
use super::{AccountContext, Rotated};
use crate::http::token_endpoint;
use crate::store::account_lock::{AccountLock, AccountLockError};
use crate::store::token_store::{FIRST_STORE_RETRY, LONGEST_STORE_RETRY};
use crate::system::fail_point::fail_point;

/// Carries a rotation out, to its end. `store_delayed` hears why the keychain does not take a new token.
pub(crate) async fn rotate(
    context: &AccountContext,
    purpose: Purpose,
    given: Option<(Credential, LogIn)>,
    store_delayed: impl Fn(KeychainProblem) + Send,
) -> Rotated {
    let lock = match AccountLock::acquire(context.lock.clone()).await {
        Ok(lock) => lock,
        Err(AccountLockError::Io { .. }) => return Rotated::nothing(Outcome::Failed(Failure::Journal)),
        Err(error) => return Rotated::nothing(Outcome::Failed(Failure::Lock(error.to_string()))),
    };
    let configured = context.server.get().or_else(|| given.as_ref().map(|(_, log_in)| Arc::new(log_in.server.clone())));
    let Some(configured) = configured else {
        return Rotated::nothing(Outcome::Failed(Failure::Keychain(KeychainProblem::Missing)));
    };
    let secrets = RotationSecrets::new(given, configured);
    let mut driver = Driver { context, lock: &lock, secrets, presented: None, waiting: None, store_delayed };
    let mut rotation = Rotation::new(purpose);
    loop {
        let step = rotation.next().clone();
        if let Step::Finished(outcome) = step {
            return driver.finished(outcome);
        }
        let answer = driver.carry_out(step).await;
        rotation = rotation.advance(answer, driver.secrets.clock.now());
        if let Some(by) = driver.secrets.clock.jump() {
            rotation = rotation.clock_set(by);
        }
    }
}

struct Driver<'a, F> {
    context: &'a AccountContext,
    lock: &'a AccountLock,
    secrets: RotationSecrets,
    presented: Option<RefreshTokenInfo>,
    waiting: Option<StoredRefreshToken>,
    store_delayed: F,
}

impl<F: Fn(KeychainProblem) + Send> Driver<'_, F> {
    async fn carry_out(&mut self, step: Step) -> Answer {
        match step {
            Step::ReadTokens => match self.read().await {
                Ok(()) => Answer::Read(self.secrets.before.found(self.secrets.configured())),
                Err(problem) => Answer::KeychainFailed(problem),
            },
            Step::ProveWritable => answer(self.context.tokens.prove_writable(self.secrets.probe_length()).await),
            Step::StoreCandidate(info) => answer(self.store_candidate(info).await),
            // A request that begins now could outlast the agent, and its answer would be lost. The journal's disk may have
            // hung, so it is asked again right before the request.
            Step::RecordPresented(_) | Step::Send(_) if self.context.rotations.are_ending() => {
                Answer::RequestFailed(Failure::Ending)
            }
            Step::RecordPresented(info) => {
                fail_point("before-presented");
                let recorded = self.record(Record::Presented { fingerprint: info.fingerprint }).await;
                fail_point("after-presented");
                recorded
            }
            Step::Send(info) => self.send(info).await,
            Step::StoreRefreshToken(info) => {
                let _only_copy = self.context.rotations.only_copy(&self.context.name);
                self.store_for_certain(info).await;
                Answer::Done
            }
            Step::StoreWaitingLogin(users) => self.store_waiting(users).await,
            Step::RecordStored(tokens) => self.record_stored(&tokens).await,
            Step::StoreAccessToken(tokens) => {
                self.forget_what_counts_no_more().await;
                answer(self.store_access_token(&tokens).await)
            }
            Step::RecordFailure(fingerprint, failure) => match Record::of_failure(fingerprint, &failure) {
                Some(record) => self.record(record).await,
                None => Answer::Done,
            },
            Step::DropCandidate(slot) => answer(self.context.tokens.drop_slot(slot).await),
            Step::Finished(_) => Answer::Done,
        }
    }

    fn finished(self, outcome: Outcome) -> Rotated {
        Rotated {
            access_token: self.secrets.access_token(&outcome),
            last_stored: self.secrets.last_stored(&outcome, self.presented),
            waiting: self.waiting,
            outcome,
        }
    }

    /// Everything that the account has in the keychain. A client that authenticates and has no secret sends nothing.
    async fn read(&mut self) -> Result<(), KeychainProblem> {
        self.secrets.before = self.context.read_settled(self.lock).await?.tokens;
        let server = self.secrets.server().clone();
        if self.secrets.is_log_in() {
            let left = self.context.tokens.client_secret_left().await?;
            let given = self.secrets.client_secret_given();
            let secret = self.secrets.before.client_secret_for(&server, given, left.as_ref())?;
            self.secrets.complete(secret);
        } else if server.token_endpoint_auth_method.needs_secret()
            && self.secrets.before.current().is_some_and(|current| current.client_secret.is_none())
        {
            return Err(KeychainProblem::NoClientSecret);
        }
        Ok(())
    }

    async fn store_candidate(&mut self, info: RefreshTokenInfo) -> Result<(), KeychainProblem> {
        let candidate = self.secrets.candidate(info).ok_or(KeychainProblem::Missing)?;
        self.context.tokens.store_refresh_token(info.slot, candidate).await?;
        fail_point("candidate-stored");
        Ok(())
    }

    async fn send(&mut self, info: RefreshTokenInfo) -> Answer {
        let Some(presented) = self.secrets.presented(info) else {
            return Answer::KeychainFailed(KeychainProblem::Missing);
        };
        let (presented, server) = (presented.clone(), presented.server(self.secrets.configured()).clone());
        let grant = AuthorizationGrant::RefreshToken(&presented.token);
        let request = match token_request(&server, grant, presented.client_secret.as_ref()) {
            Ok(request) => request,
            Err(foreign) => return Answer::RequestFailed(Failure::ServerChanged(foreign)),
        };
        let sent_at = self.secrets.clock.now();
        let answer = token_endpoint::ask_for_tokens(&request).await;
        self.presented = Some(info);
        // A jump forward may be a machine that was paused: the token's life counts from the earlier instant.
        let jump = self.secrets.clock.jump().unwrap_or_default().min(SignedDuration::ZERO);
        let sent_at = sent_at.saturating_add(jump).unwrap_or(sent_at);
        match answer {
            Ok(grant) => {
                fail_point("after-answer");
                let granted = granted(&grant, &presented, sent_at);
                self.secrets.grant = Some(grant);
                Answer::Granted(granted)
            }
            Err(failure) => {
                warn!(account = %self.context.name, token = %info.fingerprint, "not refreshed: {}", failure.in_words());
                Answer::RequestFailed(failure)
            }
        }
    }

    async fn store(&self, info: RefreshTokenInfo) -> Result<(), KeychainProblem> {
        let presented = self.presented.ok_or(KeychainProblem::Missing)?;
        let successor = self.secrets.successor(presented, info).ok_or(KeychainProblem::Missing)?;
        self.context.tokens.store_refresh_token(info.slot, &successor).await
    }

    /// The new refresh token exists nowhere but here: the keychain is asked until it has it.
    async fn store_for_certain(&self, info: RefreshTokenInfo) {
        let mut wait = FIRST_STORE_RETRY;
        fail_point("before-store");
        while let Err(problem) = self.store(info).await {
            if wait == FIRST_STORE_RETRY {
                let token = info.fingerprint;
                warn!(account = %self.context.name, %token, "the new login is only in memory: {problem}");
                self.record(Record::StoreDelayed { fingerprint: token, reason: problem.to_string() }).await;
            }
            (self.store_delayed)(problem);
            self.context.nudged_or_elapsed(wait).await;
            if self.has_landed(info).await {
                break;
            }
            wait = (wait * 2).min(LONGEST_STORE_RETRY);
        }
        fail_point("after-store");
    }

    /// Has a write that was given up landed after all? Then the only copy is not written over.
    async fn has_landed(&self, info: RefreshTokenInfo) -> bool {
        let tokens = self.context.tokens.read().await;
        tokens.is_ok_and(|tokens| tokens.in_slot(info.slot).is_some_and(|stored| stored.info(info.slot) == info))
    }

    async fn store_waiting(&mut self, users: AnotherUser) -> Answer {
        let Some(waiting) = self.secrets.waiting(users, self.presented) else { return Answer::Done };
        let _only_copy = self.context.rotations.only_copy(&self.context.name);
        let stored = self.context.tokens.store_waiting(&waiting).await;
        self.waiting = Some(waiting);
        if let Err(problem) = stored {
            (self.store_delayed)(problem);
            self.context.nudged_or_elapsed(FIRST_STORE_RETRY).await;
            return Answer::KeychainFailed(problem);
        }
        fail_point("waiting-stored");
        Answer::Done
    }

    async fn record_stored(&self, tokens: &TokensInfo) -> Answer {
        let RefreshTokenInfo { fingerprint, rotations, .. } = tokens.refresh_token;
        let expires_at = tokens.access_token.expires_at;
        info!(account = %self.context.name, token = %fingerprint, rotations, until = %expires_at, "refreshed and stored");
        let stored = self.record(Record::Stored { fingerprint, rotations, expires_at }).await;
        fail_point("after-stored");
        stored
    }

    /// A login that waited for an answer and is the login now, and a client secret that lies in the login's own entry. Best
    /// effort: what stays is recognised.
    async fn forget_what_counts_no_more(&self) {
        let waited = self.secrets.before.waiting.as_ref();
        let presented = self.presented.and_then(|info| self.secrets.presented(info));
        if waited.is_some() && (self.secrets.is_log_in() || waited.map(fingerprint) == presented.map(fingerprint)) {
            let _ = self.context.tokens.forget_waiting().await;
        }
        if self.secrets.is_log_in() {
            let _ = self.context.tokens.forget_client_secret().await;
        }
    }

    async fn store_access_token(&self, tokens: &TokensInfo) -> Result<(), KeychainProblem> {
        let Some(grant) = &self.secrets.grant else { return Ok(()) };
        let TokensInfo { access_token, refresh_token } = tokens.clone();
        let stored = StoredAccessToken::new(refresh_token.generation, access_token, grant.access_token.clone());
        self.context.tokens.store_access_token(&stored).await
    }

    async fn record(&self, record: Record) -> Answer {
        self.context.record(record).await.map_or(Answer::JournalFailed, |()| Answer::Done)
    }
}

impl AccountContext {
    async fn nudged_or_elapsed(&self, wait: Duration) {
        tokio::select! {
            () = self.retry_store.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn answer(result: Result<(), KeychainProblem>) -> Answer {
    result.map_or_else(Answer::KeychainFailed, |()| Answer::Done)
}
