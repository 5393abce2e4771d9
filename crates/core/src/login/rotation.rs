//! The one critical section, as a value: which step comes next, whatever the last one came to.
//!
//! The server spends the old refresh token before we have stored the new one. Whoever carries these steps out, in
//! this order and each to its end, cannot lose a login. No secret is in here: the one who carries out keeps them.

use jiff::{SignedDuration, Timestamp};

use crate::keychain::KeychainProblem;
use crate::login::access_token::AccessTokenInfo;
use crate::login::session::TokensInfo;
use crate::login::token_store::{LoginEnd, RefreshTokenInfo, Slot, StoredTokensInfo};
use crate::oauth::failure::{AnotherUser, Failure};
use crate::oauth::token::Fingerprint;

/// A rotation under way. It is carried out under the account's cross-process lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    purpose: Purpose,
    next: Step,
    found: StoredTokensInfo,
    presented: Option<RefreshTokenInfo>,
    failure: Option<Failure>,
    granted: Option<Granted>,
}

/// Why the refresh token is presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// To renew the access token. `known` is the generation that the session knows: a newer one in the keychain
    /// means that another process has rotated.
    Refresh {
        /// The generation.
        known: Option<u64>,
    },
    /// To prove a refresh token that a person gave.
    LogIn {
        /// The given token.
        fingerprint: Fingerprint,
        /// Whose it says that it is.
        user_id: Option<String>,
        /// May it take the place of another user's login?
        replaces_user: bool,
    },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read both slots and the access token.
    ReadTokens,
    /// Write a probe and read it back: an unwritable keychain means that nothing is sent.
    ProveWritable,
    /// Store the refresh token that a person gave, unproven, and read it back.
    StoreCandidate(RefreshTokenInfo),
    /// Append `presented` to the journal and sync it.
    RecordPresented(RefreshTokenInfo),
    /// Send the request, to its end, whoever goes away meanwhile.
    Send(RefreshTokenInfo),
    /// Store the new refresh token and read it back, again and again until the keychain has it.
    StoreRefreshToken(RefreshTokenInfo),
    /// Keep a login of another user apart until a person has answered: what was granted, or what was given. Again and again
    /// until the keychain has it.
    StoreWaitingLogin(AnotherUser),
    /// Append `stored` to the journal and sync it.
    RecordStored(TokensInfo),
    /// Keep the access token in the keychain, best effort.
    StoreAccessToken(TokensInfo),
    /// Append what went wrong to the journal.
    RecordFailure(Fingerprint, Failure),
    /// Delete the candidate that brought nothing: what was before is current again.
    DropCandidate(Slot),
    /// Over.
    Finished(Outcome),
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Answer {
    /// The keychain was read.
    Read(StoredTokensInfo),
    /// Done.
    Done,
    /// The keychain did not.
    KeychainFailed(KeychainProblem),
    /// The journal did not.
    JournalFailed,
    /// The endpoint granted new tokens.
    Granted(Granted),
    /// The request failed.
    RequestFailed(Failure),
}

/// What the endpoint granted, without the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The new refresh token; `None` when the server does not rotate.
    pub refresh_token: Option<Fingerprint>,
    /// When the refresh token ends, if the server said so, UTC.
    pub login_ends_at: Option<Timestamp>,
    /// The new access token.
    pub access_token: AccessTokenInfo,
}

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Granted(TokensInfo),
    /// Another process rotated; its tokens are in the keychain.
    Adopted(TokensInfo),
    /// No new tokens.
    Failed(Failure),
    /// A candidate that an earlier run left behind was refused; the login before it is current again.
    Reverted,
}

impl Rotation {
    /// A rotation that has yet to begin.
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        // A keychain that was never unlocked says "no entry" and asks to be unlocked when it is written to: a log-in
        // proves first and reads then, lest its candidate take the place of a login that it did not see.
        let next = match &purpose {
            Purpose::Refresh { .. } => Step::ReadTokens,
            Purpose::LogIn { .. } => Step::ProveWritable,
        };
        Self { purpose, next, found: StoredTokensInfo::default(), presented: None, failure: None, granted: None }
    }

    /// What to do next.
    #[must_use]
    pub const fn next(&self) -> &Step {
        &self.next
    }

    /// The rotation after its step was carried out at `now`.
    #[must_use]
    pub fn advance(mut self, answer: Answer, now: Timestamp) -> Self {
        self.next = match (self.next.clone(), answer) {
            (Step::ReadTokens, Answer::Read(found)) => self.read(found, now),
            (Step::ProveWritable, Answer::Done) => self.proven_writable(),
            (Step::StoreCandidate(info), Answer::Done) => Step::RecordPresented(info),
            (Step::RecordPresented(info), Answer::Done) => Step::Send(info),
            (Step::Send(info), Answer::Granted(granted)) => self.granted(info, granted, now),
            (Step::Send(info), Answer::RequestFailed(failure)) => {
                self.failure = Some(failure.clone());
                Step::RecordFailure(info.fingerprint, failure)
            }
            (Step::StoreRefreshToken(info), Answer::Done) => self.stored(info),
            (Step::StoreRefreshToken(info), Answer::KeychainFailed(_)) => Step::StoreRefreshToken(info),
            (Step::StoreWaitingLogin(users), Answer::KeychainFailed(_)) => Step::StoreWaitingLogin(users),
            (Step::StoreWaitingLogin(users), Answer::Done) => {
                let failure = Failure::AnotherUser(users);
                self.failure = Some(failure.clone());
                match self.presented {
                    Some(presented) => Step::RecordFailure(presented.fingerprint, failure),
                    None => Step::Finished(Outcome::Failed(failure)),
                }
            }
            (Step::RecordStored(tokens), Answer::Done | Answer::JournalFailed) => Step::StoreAccessToken(tokens),
            (Step::StoreAccessToken(tokens), Answer::Done | Answer::KeychainFailed(_)) => {
                Step::Finished(Outcome::Granted(tokens))
            }
            (Step::RecordFailure(..), Answer::Done | Answer::JournalFailed) => self.after_failure(),
            (Step::DropCandidate(_), Answer::Done) => self.given_up(),
            (Step::DropCandidate(_), Answer::KeychainFailed(problem)) => match self.purpose {
                Purpose::LogIn { .. } => self.given_up(),
                // The candidate is still in the keychain: the login before it is not the current one yet.
                Purpose::Refresh { .. } => Step::Finished(Outcome::Failed(Failure::Keychain(problem))),
            },
            (Step::StoreCandidate(info), Answer::KeychainFailed(problem)) => {
                self.failure = Some(Failure::Keychain(problem));
                Step::DropCandidate(info.slot)
            }
            (Step::RecordPresented(_), Answer::JournalFailed) => {
                self.failure = Some(Failure::Journal);
                self.after_failure()
            }
            (Step::RecordPresented(_), Answer::RequestFailed(failure)) => {
                self.failure = Some(failure);
                self.after_failure()
            }
            (_, Answer::KeychainFailed(problem)) => Step::Finished(Outcome::Failed(Failure::Keychain(problem))),
            (_, Answer::JournalFailed) => Step::Finished(Outcome::Failed(Failure::Journal)),
            (step, Answer::Read(_) | Answer::Done | Answer::Granted(_) | Answer::RequestFailed(_)) => step,
        };
        self
    }

    /// The rotation after somebody set the clock: the new access token's times move with it. Storing can take hours.
    #[must_use]
    pub fn clock_set(mut self, by: SignedDuration) -> Self {
        if let Some(granted) = &mut self.granted {
            granted.access_token = granted.access_token.shifted(by);
        }
        if let Step::RecordStored(tokens) | Step::StoreAccessToken(tokens) = &mut self.next {
            tokens.access_token = tokens.access_token.shifted(by);
        }
        self
    }

    fn read(&mut self, found: StoredTokensInfo, now: Timestamp) -> Step {
        self.found = found;
        match (self.purpose.clone(), self.found.current()) {
            (Purpose::LogIn { user_id, replaces_user: false, .. }, _)
                if let Some(users) = AnotherUser::between(self.found.user_id.as_deref(), user_id.as_deref()) =>
            {
                Step::StoreWaitingLogin(users)
            }
            (Purpose::LogIn { fingerprint, .. }, _) => {
                let next = successor(self.found.current(), fingerprint, now);
                let slot = self.found.left_behind().map_or(next.slot, |candidate| candidate.slot);
                let candidate = RefreshTokenInfo { slot, rotations: 0, proven: false, ..next };
                self.presented = Some(candidate);
                Step::StoreCandidate(candidate)
            }
            (Purpose::Refresh { .. }, None) => {
                Step::Finished(Outcome::Failed(Failure::Keychain(KeychainProblem::Missing)))
            }
            (Purpose::Refresh { .. }, Some(_)) if let Some(foreign) = self.found.foreign.clone() => {
                Step::Finished(Outcome::Failed(Failure::ServerChanged(foreign)))
            }
            (Purpose::Refresh { .. }, Some(current)) if let Some(users) = self.found.waits.clone() => {
                self.presented = Some(current);
                self.failure = Some(Failure::AnotherUser(users));
                self.after_failure()
            }
            (Purpose::Refresh { known }, Some(current)) => match self.found.current_access_token() {
                Some(token) if known.is_some_and(|known| known < current.generation) && is_fresh(token, now) => {
                    Step::Finished(Outcome::Adopted(TokensInfo { refresh_token: current, access_token: token.clone() }))
                }
                Some(_) | None => {
                    self.presented = Some(current);
                    Step::ProveWritable
                }
            },
        }
    }

    fn proven_writable(&self) -> Step {
        match (&self.purpose, self.presented) {
            (Purpose::Refresh { .. }, Some(current)) => Step::RecordPresented(current),
            (Purpose::Refresh { .. }, None) => {
                Step::Finished(Outcome::Failed(Failure::Keychain(KeychainProblem::Missing)))
            }
            (Purpose::LogIn { .. }, _) => Step::ReadTokens,
        }
    }

    /// A login of another user takes no account by accident, neither one that was given nor one that an earlier run left
    /// behind.
    fn another_user(&self, presented: RefreshTokenInfo, granted: &Granted) -> Option<AnotherUser> {
        let may_replace = match &self.purpose {
            Purpose::LogIn { replaces_user, .. } => *replaces_user,
            Purpose::Refresh { .. } => self.found.replaces_user || self.found.left_behind() != Some(presented),
        };
        let users = AnotherUser::between(self.found.user_id.as_deref(), granted.access_token.user_id.as_deref());
        users.filter(|_| !may_replace)
    }

    fn granted(&mut self, presented: RefreshTokenInfo, granted: Granted, now: Timestamp) -> Step {
        if let Some(users) = self.another_user(presented, &granted) {
            return Step::StoreWaitingLogin(users);
        }
        let rotated = granted.refresh_token.filter(|new| *new != presented.fingerprint);
        let before = presented.end.map(|end| (end, presented.stored_at));
        let end = granted.login_ends_at.map(|at| LoginEnd::new(at, now, before));
        self.granted = Some(granted);
        let stored = |new| Step::StoreRefreshToken(RefreshTokenInfo { end, ..successor(Some(presented), new, now) });
        match rotated {
            Some(new) => stored(new),
            None if presented.proven && !has_moved(presented.end, end) => self.stored(presented),
            None => stored(presented.fingerprint),
        }
    }

    fn stored(&self, refresh_token: RefreshTokenInfo) -> Step {
        match &self.granted {
            Some(granted) => {
                Step::RecordStored(TokensInfo { refresh_token, access_token: granted.access_token.clone() })
            }
            None => Step::StoreRefreshToken(refresh_token),
        }
    }

    fn after_failure(&self) -> Step {
        match (&self.purpose, self.presented) {
            (Purpose::LogIn { .. }, Some(candidate)) => Step::DropCandidate(candidate.slot),
            (Purpose::Refresh { .. }, Some(left_behind)) if self.can_revert(left_behind) => {
                Step::DropCandidate(left_behind.slot)
            }
            (Purpose::Refresh { .. }, _) | (Purpose::LogIn { .. }, None) => self.given_up(),
        }
    }

    /// A refused candidate of an earlier run gives way to the login before it.
    fn can_revert(&self, presented: RefreshTokenInfo) -> bool {
        let is_refused = match &self.failure {
            Some(Failure::AuthorizationRequired(_) | Failure::AnotherUser(_)) => true,
            // It came with a client secret of its own, and the login before it has another.
            Some(Failure::UnexpectedAnswer { error, .. }) => {
                error.as_ref().is_some_and(|error| error.code.refuses_the_client())
            }
            Some(
                Failure::NotSent(_)
                | Failure::OutcomeUnknown(_)
                | Failure::RetryLater { .. }
                | Failure::ServerChanged(_)
                | Failure::Keychain(_)
                | Failure::Journal
                | Failure::Lock(_)
                | Failure::Ending,
            )
            | None => false,
        };
        self.found.left_behind() == Some(presented) && is_refused
    }

    fn given_up(&self) -> Step {
        let reverted = match &self.purpose {
            Purpose::Refresh { .. } => self.presented.is_some_and(|presented| self.can_revert(presented)),
            Purpose::LogIn { .. } => false,
        };
        let failure = self.failure.clone().unwrap_or(Failure::Journal);
        Step::Finished(if reverted { Outcome::Reverted } else { Outcome::Failed(failure) })
    }
}

/// The entry after `current`: in the other slot, one generation on.
fn successor(current: Option<RefreshTokenInfo>, fingerprint: Fingerprint, now: Timestamp) -> RefreshTokenInfo {
    RefreshTokenInfo {
        slot: current.map_or(Slot::A, |current| current.slot.other()),
        generation: current.map_or(1, |current| current.generation + 1),
        rotations: current.map_or(0, |current| current.rotations + 1),
        stored_at: now,
        proven: true,
        end: None,
        fingerprint,
    }
}

/// Is another process's access token worth taking over: has it more than a quarter of its life left?
fn is_fresh(token: &AccessTokenInfo, now: Timestamp) -> bool {
    token.remaining(now) > token.lifetime() / 4
}

/// Has the end of a login that keeps its refresh token moved? Ends come in whole seconds.
fn has_moved(before: Option<LoginEnd>, now: Option<LoginEnd>) -> bool {
    const COMPARABLE: SignedDuration = SignedDuration::from_secs(2);
    let is_same = |now: LoginEnd| before.is_some_and(|before| now.at.duration_since(before.at).abs() <= COMPARABLE);
    now.is_some_and(|now| !is_same(now))
}

#[cfg(test)]
mod tests;
