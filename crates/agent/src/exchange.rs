//! Carries a [`Rotation`] out: the edge that reads, writes and sends what the pure machine asks for.

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::{Account, AccountName};
use evertoken_core::client::ClientSecret;
use evertoken_core::client_secrets::{Change, ClientSecrets};
use evertoken_core::failure::{AnotherUser, Failure};
use evertoken_core::journal::{Entry, Record, summarize};
use evertoken_core::keychain::{KeychainProblem, RefreshTokenInfo, Slot, StoredAccessToken, StoredRefreshToken};
use evertoken_core::rotation::{Answer, Granted, Outcome, Purpose, Rotation, Step};
use evertoken_core::session::{AccessTokenInfo, Tokens};
use evertoken_core::token::{AccessToken, Fingerprint, RefreshToken};
use evertoken_core::token_request::AuthorizationGrant;
use evertoken_core::token_response::Grant;
use jiff::Timestamp;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::account_lock::AccountLock;
use crate::fail_point::fail_point;
use crate::journal_file::JournalFile;
use crate::token_endpoint;
use crate::vault::{self, FIRST_STORE_RETRY, LONGEST_STORE_RETRY, Vault};
use crate::wall_clock::Clock;

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
}

/// What the rotation machine must not see: secrets, and a clock.
struct Edge {
    given: Given,
    before: vault::Tokens,
    client_secrets: ClientSecrets,
    /// The generation of the token that was given.
    candidate: Option<u64>,
    grant: Option<Grant>,
    /// A clock that is set meanwhile must not make the new token last longer.
    clock: Clock,
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
            set_aside: None,
        };
    };
    let mut edge = Edge {
        given,
        before: vault::Tokens::default(),
        client_secrets: ClientSecrets::default(),
        candidate: None,
        grant: None,
        clock: Clock::new(),
    };
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

impl Edge {
    fn access_token(&self, outcome: &Outcome) -> Option<AccessToken> {
        match outcome {
            Outcome::Granted(_) => self.grant.as_ref().map(|grant| grant.access_token.clone()),
            Outcome::Adopted(_) => self.before.access_token.as_ref().map(|stored| stored.token.clone()),
            Outcome::Failed(_) | Outcome::Reverted => None,
        }
    }

    fn newest(&self, outcome: &Outcome) -> Option<InSlot> {
        match outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                let info = tokens.refresh_token;
                Some((info.slot, self.to_store(info)?))
            }
            Outcome::Failed(_) | Outcome::Reverted => None,
        }
    }

    /// The token that a log-in brought for another user; the given one is spent by then, unless the server does not rotate.
    fn set_aside(self, outcome: &Outcome) -> Option<Given> {
        let Outcome::Failed(Failure::AnotherUser(_)) = outcome else { return None };
        let Given { refresh_token, client_secret, .. } = self.given;
        let refresh_token = self.grant.and_then(|grant| grant.refresh_token).or(refresh_token);
        Some(Given { refresh_token, client_secret, user_id: None })
    }

    /// Does the grant belong to another user than the one whose login the account holds? A candidate that an earlier run
    /// left behind is asked about as well: nobody has answered for it.
    fn another_user(&self, presented: &RefreshTokenInfo, grant: &Grant) -> Option<AnotherUser> {
        let before = self.before.access_token.as_ref().and_then(|stored| stored.user_id.as_deref());
        let left_behind = self.before.found().left_behind() == Some(*presented);
        let expected = if left_behind { before } else { self.given.user_id.as_deref() };
        AnotherUser::between(expected, grant.user_id.as_deref())
    }

    fn to_present(&self, info: RefreshTokenInfo) -> Option<&RefreshToken> {
        let stored = self.before.in_slot(info.slot).map(|stored| &stored.token);
        stored.into_iter().chain(&self.given.refresh_token).find(|token| token.fingerprint() == info.fingerprint)
    }

    /// The bytes of a refresh token that the rotation names.
    fn to_store(&self, info: RefreshTokenInfo) -> Option<StoredRefreshToken> {
        let granted = self.grant.as_ref().and_then(|grant| grant.refresh_token.as_ref());
        let before = [&self.before.a, &self.before.b].into_iter().flatten().map(|stored| &stored.token);
        let mut known = granted.into_iter().chain(&self.given.refresh_token).chain(before);
        let token = known.find(|token| token.fingerprint() == info.fingerprint)?;
        Some(StoredRefreshToken {
            generation: info.generation,
            rotations: info.rotations,
            stored_at: info.stored_at,
            proven: info.proven,
            token: token.clone(),
        })
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
            Step::ProveWritable => answer(self.vault.prove_writable(probe_length(edge)).await),
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
    async fn read_tokens(&self) -> Result<vault::Tokens, KeychainProblem> {
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

    /// Everything that the account has in the keychain. A client that authenticates and has no secret sends nothing.
    async fn read(&self, purpose: &Purpose, edge: &mut Edge) -> Result<(), KeychainProblem> {
        edge.before = self.read_tokens().await?;
        if !self.account.token_endpoint_auth_method.needs_secret() {
            return Ok(());
        }
        edge.client_secrets = self.vault.read_client_secrets().await?;
        let found = edge.before.found();
        let has_secret = match (purpose, found.current()) {
            (Purpose::LogIn { .. }, current) => {
                let candidate = current.map_or(1, |current| current.generation + 1);
                edge.client_secrets.clone().of_candidate(&found, candidate, edge.given.client_secret.as_ref()).is_some()
            }
            (Purpose::Refresh { .. }, Some(current)) => {
                self.change_client_secrets(edge.client_secrets.before_refresh(&current), edge).await?;
                edge.client_secrets.for_generation(current.generation).is_some()
            }
            // Without a token there is nothing to send.
            (Purpose::Refresh { .. }, None) => true,
        };
        if has_secret { Ok(()) } else { Err(KeychainProblem::NoClientSecret) }
    }

    async fn change_client_secrets(
        &self,
        changes: impl IntoIterator<Item = Change>,
        edge: &mut Edge,
    ) -> Result<(), KeychainProblem> {
        for change in changes {
            self.vault.change_client_secrets(&change).await?;
            edge.client_secrets = std::mem::take(&mut edge.client_secrets).after(&change);
        }
        Ok(())
    }

    /// The token first: a candidate without its secret is refused and gives way, whenever this dies.
    async fn store_candidate(&self, info: RefreshTokenInfo, edge: &mut Edge) -> Result<(), KeychainProblem> {
        edge.candidate = Some(info.generation);
        self.store(info, edge).await?;
        fail_point("candidate-without-secret");
        let given = edge.given.client_secret.as_ref();
        let changes = edge.client_secrets.before_login(&edge.before.found(), info.generation, given);
        self.change_client_secrets(changes, edge).await
    }

    /// The secret first, for the same reason.
    async fn drop_candidate(&self, slot: Slot, edge: &mut Edge) -> Result<(), KeychainProblem> {
        let left_behind = edge.before.in_slot(slot).map(|stored| stored.generation);
        let generation = edge.candidate.or(left_behind);
        let change = generation.and_then(|generation| edge.client_secrets.after_refusal(generation));
        self.change_client_secrets(change, edge).await?;
        self.vault.drop_slot(slot).await
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

    /// A log-in without a client secret ends the use of the one before it. Best effort.
    async fn forget_unused_secret(&self, purpose: &Purpose) {
        let needed = self.account.token_endpoint_auth_method.needs_secret();
        match purpose {
            Purpose::LogIn { .. } if !needed => drop(self.vault.forget_client_secrets().await),
            Purpose::LogIn { .. } | Purpose::Refresh { .. } => {}
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

fn granted(grant: &Grant, sent_at: Timestamp) -> Granted {
    Granted {
        refresh_token: grant.refresh_token.as_ref().map(RefreshToken::fingerprint),
        access_token: AccessTokenInfo {
            issued_at: sent_at,
            expires_at: sent_at.saturating_add(grant.lifetime).unwrap_or(sent_at),
            scope: grant.scope.clone(),
            user_id: grant.user_id.clone(),
        },
    }
}

/// The successor of a token is about as long as it.
fn probe_length(edge: &Edge) -> usize {
    /// For the entry's other fields and a somewhat longer token, below what Windows allows for an entry.
    const ROOM: usize = 512;
    let stored = [&edge.before.a, &edge.before.b].into_iter().flatten().map(|stored| &stored.token);
    let longest = stored.chain(&edge.given.refresh_token).map(|token| token.expose().len()).max().unwrap_or_default();
    longest + ROOM
}
