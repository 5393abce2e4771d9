//! One log-in from its beginning to its end, as a value: for a pasted token, a browser, a device and a command alike.
//!
//! ```text
//! Discover ─► Obtain ─► Prove ─► Follow ─► Done
//!    │          │        │  ▲
//!    └──────────┴► Done  ▼  │ a person says yes
//!                      Confirm ─► Done
//! ```
//!
//! `Prove` is a [`Rotation`](crate::login::rotation::Rotation): it compares the users under the account's lock, presents
//! the token and stores what it brings. `config.toml` follows a login that is proven and stored, and nothing is put back,
//! because nothing was changed before. No secret is in here.

use jiff::{SignedDuration, Timestamp};

use crate::api::problem::Problem;
use crate::login::session::TokensInfo;
use crate::oauth::failure::{AnotherUser, Failure};
use crate::oauth::issuer::Issuer;
use crate::oauth::server::SignInMethod;

/// How long a login of another user waits for a person's answer.
pub const LONGEST_QUESTION: SignedDuration = SignedDuration::from_mins(10);

/// A log-in that has not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    next: Step,
    method: Option<SignInMethod>,
    replaces_user: bool,
    /// A person was asked. Nobody but us holds the credential then: it waits for another yes unless the server refused it.
    asked: Option<AnotherUser>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask the issuer for its endpoints.
    Discover(Issuer),
    /// Let a person sign in.
    Obtain(SignInMethod),
    /// Present the credential and store what it brings.
    Prove {
        /// May it take the place of another user's login?
        replaces_user: bool,
    },
    /// Tell the one who asked, and wait for a person's answer.
    Confirm(Question),
    /// Write the server down and record the log-in.
    Follow(TokensInfo),
    /// Over.
    Done(Outcome),
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Whose the account is, and whose the login.
    pub users: AnotherUser,
    /// Until when the answer counts, UTC.
    pub until: Timestamp,
    /// A yes was given, and proving failed with this.
    pub failed: Option<Failure>,
}

/// How a step went.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The endpoints are known.
    Discovered,
    /// The sign-in brought a credential.
    Obtained,
    /// There is no credential, and why.
    Failed(Problem),
    /// The login is proven and stored.
    Proven(TokensInfo),
    /// It is not.
    NotProven(Failure),
    /// A person said yes.
    Confirmed,
    /// The question was answered with no, ran out or was taken over by another log-in.
    Dismissed,
    /// The configuration names the server, or will: the login is stored with it.
    Followed,
}

/// How a log-in ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The account is logged in.
    LoggedIn(TokensInfo),
    /// There was nothing to prove.
    NotObtained(Problem),
    /// The login before it is as it was.
    NotProven(Failure),
    /// Nobody said yes.
    Dismissed,
}

impl Flow {
    /// A log-in that has yet to begin. Without a method the credential is there already.
    #[must_use]
    pub fn new(issuer: Option<Issuer>, method: Option<SignInMethod>, replaces_user: bool) -> Self {
        let next = issuer.map_or_else(|| after_discovery(method, replaces_user), Step::Discover);
        Self { next, method, replaces_user, asked: None }
    }

    /// A login of another user that an earlier run left waiting.
    #[must_use]
    pub fn waiting(users: AnotherUser, until: Timestamp) -> Self {
        let next = Step::Confirm(Question { users: users.clone(), until, failed: None });
        Self { next, method: None, replaces_user: false, asked: Some(users) }
    }

    /// What to do next.
    #[must_use]
    pub const fn next(&self) -> &Step {
        &self.next
    }

    /// The log-in after its step was carried out at `now`.
    #[must_use]
    pub fn advance(mut self, answer: Answer, now: Timestamp) -> Self {
        self.next = match (self.next, answer) {
            (Step::Discover(_), Answer::Discovered) => after_discovery(self.method, self.replaces_user),
            (Step::Obtain(_), Answer::Obtained) => Step::Prove { replaces_user: self.replaces_user },
            (Step::Prove { .. }, Answer::Proven(tokens)) => Step::Follow(tokens),
            (Step::Prove { .. }, Answer::NotProven(Failure::AnotherUser(users))) => {
                self.asked = Some(users.clone());
                Step::Confirm(question(users, now, None))
            }
            (Step::Prove { .. }, Answer::NotProven(failure)) => match &self.asked {
                Some(users) if !matches!(failure, Failure::AuthorizationRequired(_)) => {
                    Step::Confirm(question(users.clone(), now, Some(failure)))
                }
                Some(_) | None => Step::Done(Outcome::NotProven(failure)),
            },
            (Step::Confirm(_), Answer::Confirmed) => Step::Prove { replaces_user: true },
            (Step::Confirm(_), Answer::Dismissed) => Step::Done(Outcome::Dismissed),
            (Step::Follow(tokens), Answer::Followed) => Step::Done(Outcome::LoggedIn(tokens)),
            (Step::Done(outcome), _) => Step::Done(outcome),
            (_, Answer::Failed(problem)) => Step::Done(Outcome::NotObtained(problem)),
            (
                step,
                Answer::Discovered
                | Answer::Obtained
                | Answer::Proven(_)
                | Answer::NotProven(_)
                | Answer::Confirmed
                | Answer::Dismissed
                | Answer::Followed,
            ) => step,
        };
        self
    }
}

fn after_discovery(method: Option<SignInMethod>, replaces_user: bool) -> Step {
    method.map_or(Step::Prove { replaces_user }, Step::Obtain)
}

fn question(users: AnotherUser, now: Timestamp, failed: Option<Failure>) -> Question {
    Question { users, until: now.saturating_add(LONGEST_QUESTION).unwrap_or(now), failed }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::api::problem::ProblemKind;
    use crate::login::access_token::AccessTokenInfo;
    use crate::login::token_store::{RefreshTokenInfo, Slot};
    use crate::oauth::failure::{NotSent, Refusal};
    use crate::oauth::token::Fingerprint;

    fn now() -> Timestamp {
        Timestamp::constant(1_000, 0)
    }

    fn users() -> AnotherUser {
        AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() }
    }

    fn tokens() -> TokensInfo {
        TokensInfo {
            refresh_token: RefreshTokenInfo {
                slot: Slot::A,
                generation: 1,
                rotations: 0,
                stored_at: now(),
                proven: true,
                end: None,
                fingerprint: Fingerprint::of("r1"),
            },
            access_token: AccessTokenInfo { issued_at: now(), expires_at: now(), scope: vec![], user_id: None },
        }
    }

    fn after(flow: Flow, answers: impl IntoIterator<Item = Answer>) -> Step {
        let end = answers.into_iter().fold(flow, |flow, answer| flow.advance(answer, now()));
        end.next().clone()
    }

    fn asked() -> Flow {
        Flow::new(None, None, false).advance(Answer::NotProven(Failure::AnotherUser(users())), now())
    }

    #[test]
    fn each_way_begins_with_what_it_lacks() {
        let issuer: Issuer = "https://i.example".parse().unwrap();
        assert_eq!(*Flow::new(None, None, true).next(), Step::Prove { replaces_user: true });
        let device = Flow::new(Some(issuer.clone()), Some(SignInMethod::Device), false);
        assert_eq!(*device.next(), Step::Discover(issuer));
        assert_eq!(after(device.clone(), [Answer::Discovered]), Step::Obtain(SignInMethod::Device));
        let proves = after(device, [Answer::Discovered, Answer::Obtained]);
        assert_eq!(proves, Step::Prove { replaces_user: false });
    }

    #[test]
    fn only_a_yes_lets_another_user_take_the_account() {
        let Step::Confirm(question) = asked().next().clone() else { panic!("{:?}", asked()) };
        assert_eq!((question.users, question.until, question.failed), (users(), Timestamp::constant(1_600, 0), None));
        assert_eq!(after(asked(), [Answer::Confirmed]), Step::Prove { replaces_user: true });
        assert_eq!(after(asked(), [Answer::Dismissed]), Step::Done(Outcome::Dismissed));
    }

    #[test]
    fn p1_a_confirmed_login_that_could_not_be_proven_waits_for_another_yes_unless_it_was_refused() {
        let offline = Failure::NotSent(NotSent::Dns);
        let step = after(asked(), [Answer::Confirmed, Answer::NotProven(offline.clone())]);
        assert!(matches!(step, Step::Confirm(Question { failed: Some(failed), .. }) if failed == offline));
        let refused = Failure::AuthorizationRequired(Refusal::default());
        let step = after(asked(), [Answer::Confirmed, Answer::NotProven(refused.clone())]);
        assert_eq!(step, Step::Done(Outcome::NotProven(refused)));
        let step = after(Flow::new(None, None, true), [Answer::NotProven(offline.clone())]);
        assert_eq!(step, Step::Done(Outcome::NotProven(offline)), "a person still has what was pasted");
    }

    #[test]
    fn a_login_is_there_once_it_is_proven_and_the_configuration_follows() {
        let flow = Flow::new(None, None, false);
        assert_eq!(after(flow.clone(), [Answer::Proven(tokens())]), Step::Follow(tokens()));
        let end = Step::Done(Outcome::LoggedIn(tokens()));
        assert_eq!(after(flow.clone(), [Answer::Proven(tokens()), Answer::Followed]), end);
        let waited = Flow::waiting(users(), now());
        assert_eq!(after(waited, [Answer::Confirmed, Answer::Proven(tokens()), Answer::Followed]), end);
    }

    #[test]
    fn a_log_in_that_cannot_begin_ends_with_its_reason_and_nothing_changes_its_end() {
        let problem = |detail: &str| Problem::new(ProblemKind::TryLater, detail, "Try again.");
        let ended = |detail| Step::Done(Outcome::NotObtained(problem(detail)));
        let issuer: Issuer = "https://i.example".parse().unwrap();
        for flow in [Flow::new(Some(issuer), None, false), Flow::new(None, Some(SignInMethod::Command), false)] {
            let failed = flow.advance(Answer::Failed(problem("first")), now());
            assert_eq!(*failed.next(), ended("first"));
            for later in [Answer::Failed(problem("second")), Answer::Confirmed, Answer::Proven(tokens())] {
                assert_eq!(after(failed.clone(), [later]), ended("first"));
            }
        }
    }

    #[test]
    fn an_answer_to_another_step_changes_nothing() {
        for flow in [asked(), Flow::new(None, Some(SignInMethod::Browser), false)] {
            for answer in [Answer::Discovered, Answer::Followed] {
                assert_eq!(flow.clone().advance(answer, now()), flow);
            }
        }
    }
}
