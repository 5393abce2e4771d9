//! The one critical section, as a value: which step comes next, whatever the last one came to.
//!
//! The server spends the old refresh token before we have stored the new one. Whoever carries these steps out, in
//! this order and each to its end, cannot lose a login. No secret is in here: the one who carries out keeps them.

use jiff::{SignedDuration, Timestamp};

use crate::failure::Failure;
use crate::keychain::{Found, KeychainProblem, RefreshTokenInfo, Slot};
use crate::session::{AccessTokenInfo, Tokens};
use crate::token::Fingerprint;

/// A rotation under way. It is carried out under the account's cross-process lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    purpose: Purpose,
    next: Step,
    found: Found,
    presented: Option<RefreshTokenInfo>,
    failure: Option<Failure>,
    granted: Option<Granted>,
}

/// Why the refresh token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Append `stored` to the journal and sync it.
    RecordStored(Tokens),
    /// Keep the access token in the keychain, best effort.
    StoreAccessToken(Tokens),
    /// Append what went wrong to the journal.
    RecordFailure(Fingerprint, Failure),
    /// Delete the candidate that brought nothing: what was before is current again.
    DropCandidate(Slot),
    /// Over.
    Finished(Outcome),
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The keychain was read.
    Read(Found),
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
    /// The new access token.
    pub access_token: AccessTokenInfo,
}

/// What a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// New tokens are stored.
    Granted(Tokens),
    /// Another process rotated; its tokens are in the keychain.
    Adopted(Tokens),
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
        let next = match purpose {
            Purpose::Refresh { .. } => Step::ReadTokens,
            Purpose::LogIn { .. } => Step::ProveWritable,
        };
        Self { purpose, next, found: Found::default(), presented: None, failure: None, granted: None }
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
            (Step::RecordStored(tokens), Answer::Done | Answer::JournalFailed) => Step::StoreAccessToken(tokens),
            (Step::StoreAccessToken(tokens), Answer::Done | Answer::KeychainFailed(_)) => {
                Step::Finished(Outcome::Granted(tokens))
            }
            (Step::RecordFailure(..), Answer::Done | Answer::JournalFailed) => self.after_failure(),
            (Step::DropCandidate(_), Answer::Done | Answer::KeychainFailed(_)) => self.given_up(),
            (Step::StoreCandidate(info), Answer::KeychainFailed(problem)) => {
                self.failure = Some(Failure::Keychain(problem));
                Step::DropCandidate(info.slot)
            }
            (Step::RecordPresented(_), Answer::JournalFailed) => {
                self.failure = Some(Failure::Journal);
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

    fn read(&mut self, found: Found, now: Timestamp) -> Step {
        self.found = found;
        match (self.purpose, self.found.current()) {
            (Purpose::LogIn { fingerprint }, _) => {
                let next = successor(self.found.current(), fingerprint, now);
                let slot = self.found.left_behind().map_or(next.slot, |candidate| candidate.slot);
                let candidate = RefreshTokenInfo { slot, rotations: 0, proven: false, ..next };
                self.presented = Some(candidate);
                Step::StoreCandidate(candidate)
            }
            (Purpose::Refresh { .. }, None) => {
                Step::Finished(Outcome::Failed(Failure::Keychain(KeychainProblem::Missing)))
            }
            (Purpose::Refresh { known }, Some(current)) => match self.found.current_access_token() {
                Some(token) if known.is_some_and(|known| known < current.generation) && is_fresh(token, now) => {
                    Step::Finished(Outcome::Adopted(Tokens { refresh_token: current, access_token: token.clone() }))
                }
                Some(_) | None => {
                    self.presented = Some(current);
                    Step::ProveWritable
                }
            },
        }
    }

    fn proven_writable(&self) -> Step {
        match (self.purpose, self.presented) {
            (Purpose::Refresh { .. }, Some(current)) => Step::RecordPresented(current),
            (Purpose::Refresh { .. }, None) => {
                Step::Finished(Outcome::Failed(Failure::Keychain(KeychainProblem::Missing)))
            }
            (Purpose::LogIn { .. }, _) => Step::ReadTokens,
        }
    }

    fn granted(&mut self, presented: RefreshTokenInfo, granted: Granted, now: Timestamp) -> Step {
        let rotated = granted.refresh_token.filter(|new| *new != presented.fingerprint);
        self.granted = Some(granted);
        match rotated {
            Some(new) => Step::StoreRefreshToken(successor(Some(presented), new, now)),
            None if presented.proven => self.stored(presented),
            None => Step::StoreRefreshToken(successor(Some(presented), presented.fingerprint, now)),
        }
    }

    fn stored(&self, refresh_token: RefreshTokenInfo) -> Step {
        match &self.granted {
            Some(granted) => Step::RecordStored(Tokens { refresh_token, access_token: granted.access_token.clone() }),
            None => Step::StoreRefreshToken(refresh_token),
        }
    }

    fn after_failure(&self) -> Step {
        match (self.purpose, self.presented) {
            (Purpose::LogIn { .. }, Some(candidate)) => Step::DropCandidate(candidate.slot),
            (Purpose::Refresh { .. }, Some(left_behind)) if self.can_revert(left_behind) => {
                Step::DropCandidate(left_behind.slot)
            }
            (Purpose::Refresh { .. }, _) | (Purpose::LogIn { .. }, None) => self.given_up(),
        }
    }

    /// A refused candidate of an earlier run gives way to the login before it.
    fn can_revert(&self, presented: RefreshTokenInfo) -> bool {
        self.found.left_behind() == Some(presented) && matches!(self.failure, Some(Failure::AuthorizationRequired(_)))
    }

    fn given_up(&self) -> Step {
        let reverted = match self.purpose {
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
        fingerprint,
    }
}

/// Is another process's access token worth taking over: has it more than a quarter of its life left?
fn is_fresh(token: &AccessTokenInfo, now: Timestamp) -> bool {
    token.remaining(now) > token.lifetime() / 4
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::failure::{NotSent, Refusal};

    fn now() -> Timestamp {
        Timestamp::constant(1_000_000, 0)
    }

    fn info(slot: Slot, generation: u64, token: &str) -> RefreshTokenInfo {
        RefreshTokenInfo {
            slot,
            generation,
            rotations: generation,
            stored_at: now(),
            proven: true,
            fingerprint: Fingerprint::of(token),
        }
    }

    fn access_token() -> AccessTokenInfo {
        AccessTokenInfo {
            issued_at: now(),
            expires_at: now() + SignedDuration::from_hours(24),
            scope: vec![],
            user_id: None,
        }
    }

    fn found() -> Found {
        Found { a: Some(info(Slot::A, 5, "r5")), b: Some(info(Slot::B, 4, "r4")), access_token: None }
    }

    fn grant(token: &str) -> Answer {
        Answer::Granted(Granted { refresh_token: Some(Fingerprint::of(token)), access_token: access_token() })
    }

    fn run(purpose: Purpose, answers: impl IntoIterator<Item = Answer>) -> Vec<Step> {
        let mut rotation = Rotation::new(purpose);
        let mut steps = vec![rotation.next().clone()];
        for answer in answers {
            rotation = rotation.advance(answer, now());
            steps.push(rotation.next().clone());
        }
        steps
    }

    const REFRESH: Purpose = Purpose::Refresh { known: Some(5) };

    #[test]
    fn a_new_token_never_overwrites_the_only_copy_of_the_last() {
        let steps = run(
            REFRESH,
            [Answer::Read(found()), Answer::Done, Answer::Done, grant("r6"), Answer::Done, Answer::Done, Answer::Done],
        );
        let new = info(Slot::B, 6, "r6");
        let tokens = Tokens { refresh_token: new, access_token: access_token() };
        assert_eq!(
            steps,
            [
                Step::ReadTokens,
                Step::ProveWritable,
                Step::RecordPresented(info(Slot::A, 5, "r5")),
                Step::Send(info(Slot::A, 5, "r5")),
                Step::StoreRefreshToken(new),
                Step::RecordStored(tokens.clone()),
                Step::StoreAccessToken(tokens.clone()),
                Step::Finished(Outcome::Granted(tokens)),
            ]
        );
    }

    #[test]
    fn an_unwritable_keychain_or_journal_means_that_nothing_is_sent() {
        let locked = Answer::KeychainFailed(KeychainProblem::Locked);
        for answers in [
            vec![locked.clone()],
            vec![Answer::Read(found()), locked],
            vec![Answer::Read(found()), Answer::Done, Answer::JournalFailed],
            vec![Answer::Read(Found::default())],
        ] {
            let steps = run(REFRESH, answers);
            assert!(!steps.iter().any(|step| matches!(step, Step::Send(_))), "{steps:?}");
            assert!(matches!(steps.last().unwrap(), Step::Finished(Outcome::Failed(_))));
        }
    }

    #[test]
    fn a_keychain_that_refuses_the_new_token_is_asked_until_it_takes_it() {
        let refused = Answer::KeychainFailed(KeychainProblem::Refused);
        let steps = run(
            REFRESH,
            [Answer::Read(found()), Answer::Done, Answer::Done, grant("r6"), refused.clone(), refused, Answer::Done],
        );
        assert!(
            matches!(steps[4..], [Step::StoreRefreshToken(a), Step::StoreRefreshToken(b), Step::StoreRefreshToken(c), Step::RecordStored(_)] if a == b && b == c)
        );
    }

    #[test]
    fn a_clock_that_is_set_while_the_keychain_refuses_makes_no_token_last_longer() {
        let refused = Answer::KeychainFailed(KeychainProblem::Refused);
        let answers = [Answer::Read(found()), Answer::Done, Answer::Done, grant("r6"), refused];
        let rotation =
            answers.into_iter().fold(Rotation::new(REFRESH), |rotation, answer| rotation.advance(answer, now()));
        let back = -SignedDuration::from_hours(1);
        let expected = access_token().shifted(back);
        let before = rotation.clone().clock_set(back).advance(Answer::Done, now());
        let after = rotation.advance(Answer::Done, now()).clock_set(back);
        for rotation in [before, after] {
            let Step::RecordStored(tokens) = rotation.next() else { panic!("{rotation:?}") };
            assert_eq!(tokens.access_token, expected);
        }
    }

    #[test]
    fn what_another_process_rotated_is_taken_over_without_a_request() {
        let mut found = found();
        found.access_token = Some((5, access_token()));
        let steps = run(Purpose::Refresh { known: Some(4) }, [Answer::Read(found)]);
        assert!(matches!(steps.last().unwrap(), Step::Finished(Outcome::Adopted(_))), "{steps:?}");
    }

    #[test]
    fn a_wrong_token_pasted_over_a_good_login_loses_nothing() {
        let purpose = Purpose::LogIn { fingerprint: Fingerprint::of("pasted") };
        let refusal = Answer::RequestFailed(Failure::AuthorizationRequired(Refusal::default()));
        let steps = run(
            purpose,
            [Answer::Done, Answer::Read(found()), Answer::Done, Answer::Done, refusal, Answer::Done, Answer::Done],
        );
        let Step::StoreCandidate(candidate) = steps[2] else { panic!("{steps:?}") };
        assert_eq!((candidate.slot, candidate.proven), (Slot::B, false));
        assert_eq!(steps[6], Step::DropCandidate(Slot::B));
        assert!(matches!(steps[7], Step::Finished(Outcome::Failed(Failure::AuthorizationRequired(_)))));
    }

    #[test]
    fn a_refused_candidate_of_a_crashed_login_gives_way_to_the_login_before() {
        let mut found = found();
        found.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
        let refusal = Answer::RequestFailed(Failure::AuthorizationRequired(Refusal::default()));
        let steps = run(
            Purpose::Refresh { known: None },
            [Answer::Read(found), Answer::Done, Answer::Done, refusal, Answer::Done, Answer::Done],
        );
        assert_eq!(steps.last().unwrap(), &Step::Finished(Outcome::Reverted));
    }

    #[test]
    fn a_second_wrong_token_over_a_candidate_of_a_crashed_login_spares_the_login_before() {
        let mut found = found();
        found.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
        let purpose = Purpose::LogIn { fingerprint: Fingerprint::of("pasted too") };
        let steps = run(purpose, [Answer::Done, Answer::Read(found)]);
        let Step::StoreCandidate(candidate) = steps[2] else { panic!("{steps:?}") };
        assert_eq!((candidate.slot, candidate.generation), (Slot::B, 7));
    }

    #[test]
    fn a_request_that_never_left_is_recorded_as_such() {
        let failure = Failure::NotSent(NotSent::Dns);
        let steps = run(
            REFRESH,
            [Answer::Read(found()), Answer::Done, Answer::Done, Answer::RequestFailed(failure.clone()), Answer::Done],
        );
        assert_eq!(
            steps[4..],
            [Step::RecordFailure(Fingerprint::of("r5"), failure.clone()), Step::Finished(Outcome::Failed(failure))]
        );
    }
}
