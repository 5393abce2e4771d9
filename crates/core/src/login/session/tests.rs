//! Each sentence of the policy, as a test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod login_end;
mod pace;
mod start;
mod status;
mod warning;

use super::*;
use crate::api::status::State;
use crate::login::policy::Policy;
use crate::login::token_store::Slot;
use crate::oauth::failure::{NotSent, OutcomeUnknown};
use crate::oauth::token::Fingerprint;

const OFFLINE: Failure = Failure::NotSent(NotSent::Connect);
const TIMED_OUT: Failure = Failure::OutcomeUnknown(OutcomeUnknown::TimedOut);
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Three quarters of a day, with the jitter's middle.
const REFRESH: i64 = 18 * HOUR;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn refresh_token(generation: u64) -> RefreshTokenInfo {
    RefreshTokenInfo {
        slot: Slot::A,
        generation,
        rotations: generation,
        stored_at: at(0),
        proven: true,
        end: None,
        fingerprint: Fingerprint::of(&generation.to_string()),
    }
}

fn access_token(issued: i64, seconds: i64) -> AccessTokenInfo {
    AccessTokenInfo { issued_at: at(issued), expires_at: at(issued + seconds), scope: vec![], user_id: None }
}

fn tokens(issued: i64, seconds: i64) -> TokensInfo {
    TokensInfo { refresh_token: refresh_token(2), access_token: access_token(issued, seconds) }
}

fn step(session: &Session, now: i64, event: Event) -> (Session, Vec<Effect>) {
    session.clone().step(event, StepInput { now: at(now), chance: Jitter::HALF }, &Policy::default())
}

fn session(session: &Session, now: i64, event: Event) -> Session {
    step(session, now, event).0
}

fn start(now: i64, issued: Option<i64>, resume: Resume) -> (Session, Vec<Effect>) {
    let access_token = issued.map(|issued| access_token(issued, DAY));
    let recovered = Recovered { refresh_token: Some(refresh_token(1)), access_token, asked_to_wait: None, resume };
    step(&Session::opening(), now, Event::Opened(recovered))
}

/// Logged in at 0 with a day's token.
fn good() -> Session {
    start(0, Some(0), Resume::Continue).0
}

fn requested(effects: &[Effect]) -> Option<RequestId> {
    effects.iter().find_map(|effect| match effect {
        Effect::RequestToken(request) => Some(*request),
        Effect::OpenTokens | Effect::Notify(_) | Effect::Update(_) | Effect::Withdraw(_) | Effect::DropFromMemory => {
            None
        }
    })
}

/// A day's token of which the refresh at 18 h failed.
fn failing(failure: Failure) -> Session {
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    fail(&requesting, REFRESH, requested(&effects).unwrap(), failure).0
}

fn fail(session: &Session, now: i64, request: RequestId, failure: Failure) -> (Session, Vec<Effect>) {
    step(session, now, Event::TokenRequestFailed { request, failure })
}

fn refused() -> (Session, Vec<Effect>) {
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    fail(&requesting, REFRESH, requested(&effects).unwrap(), Failure::AuthorizationRequired(Refusal::default()))
}

/// In whole seconds, rounded up.
fn wakeup(session: &Session, now: i64) -> Option<(i64, WakeupReason)> {
    let (wakeup, reason) = session.next_wakeup(at(now), &Policy::default())?;
    let after = wakeup.duration_since(at(0));
    Some((after.as_secs() + i64::from(after.subsec_nanos() > 0), reason))
}

fn later(seconds: i64) -> Failure {
    Failure::RetryLater { retry_after: Some(SignedDuration::from_secs(seconds)), http_status: 429 }
}

fn in_minutes(minutes: i64) -> Option<SignedDuration> {
    Some(SignedDuration::from_mins(minutes))
}

#[test]
fn a_day_token_is_refreshed_at_three_quarters_and_nothing_happens_before() {
    assert_eq!(good().refresh_token(), Some(&refresh_token(1)));
    assert_eq!(wakeup(&good(), 0), Some((REFRESH, WakeupReason::Refresh)));
    assert_eq!(step(&good(), REFRESH - 1, Event::TimeoutElapsed), (good(), vec![]));
    assert!(requested(&step(&good(), REFRESH, Event::TimeoutElapsed).1).is_some());
}

#[test]
fn a_token_is_still_valid_while_it_is_refreshed_and_when_that_fails() {
    let requesting = session(&good(), REFRESH, Event::TimeoutElapsed);
    assert_eq!(requesting.state(at(REFRESH)), State::Refreshing);
    for (failure, state) in [
        (OFFLINE, State::Retrying),
        (TIMED_OUT, State::Retrying),
        (Failure::UnexpectedAnswer { http_status: 403, error: None, web_page: false }, State::Retrying),
        (later(60), State::Retrying),
        (Failure::Journal, State::Retrying),
        (Failure::Keychain(KeychainProblem::Locked), State::KeychainUnavailable),
        (Failure::AuthorizationRequired(Refusal::default()), State::LoginSoon),
    ] {
        let failed = failing(failure);
        assert_eq!(failed.state(at(REFRESH)), state);
        assert_eq!(failed.access_token(), good().access_token());
        assert!(failed.lasts(in_minutes(5 * 60), at(REFRESH), &Policy::default()));
    }
}

#[test]
fn a_refused_login_says_login_soon_and_then_login_required() {
    let (refused, effects) = refused();
    let notice = Notice::LoginRequired { expired_at: None, access_token_until: Some(at(DAY)) };
    assert_eq!(effects, [Effect::Notify(notice)]);
    assert_eq!(refused.state(at(REFRESH)), State::LoginSoon);
    assert_eq!(wakeup(&refused, REFRESH), Some((DAY, WakeupReason::AccessTokenEnds)));
    assert_eq!(refused.state(at(DAY)), State::LoginRequired);
    let updated = step(&refused, DAY, Event::TimeoutElapsed).1;
    assert!(matches!(updated[..], [Effect::Update(Notice::LoginRequired { .. })]), "{updated:?}");
    assert_eq!(step(&refused, DAY - 1, Event::TimeoutElapsed).1, []);
    assert_eq!(wakeup(&refused, DAY), None);
}

#[test]
fn the_outcome_of_an_old_request_changes_nothing() {
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let old = requested(&effects).unwrap();
    let failed = fail(&requesting, REFRESH, old, OFFLINE).0;
    let again = session(&failed, REFRESH + HOUR, Event::TimeoutElapsed);
    for now in [&good(), &failed, &again, &refused().0, &session(&good(), 9, Event::LoggedOut)] {
        for event in [
            Event::TokenGranted { request: old, tokens: tokens(REFRESH, DAY) },
            Event::TokenRequestFailed { request: old, failure: Failure::AuthorizationRequired(Refusal::default()) },
            Event::TokenStoreDelayed { request: old, problem: KeychainProblem::Locked },
        ] {
            assert_eq!(step(now, REFRESH, event.clone()), (now.clone(), vec![]), "{event:?}");
        }
    }
}

#[test]
fn there_are_never_two_requests() {
    let requesting = session(&good(), REFRESH, Event::TimeoutElapsed);
    for event in [
        Event::TimeoutElapsed,
        Event::TokenWanted { min_valid: in_minutes(23 * 60) },
        Event::RefreshRequested,
        Event::ConnectivityReturned,
        Event::KeychainReturned,
        Event::OpenFailed(KeychainProblem::Locked),
    ] {
        assert_eq!(step(&requesting, REFRESH + HOUR, event.clone()).1, [], "{event:?}");
    }
}

#[test]
fn a_caller_waits_only_while_something_is_under_way() {
    let locked = session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked));
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let request = requested(&effects).unwrap();
    let delayed = Event::TokenStoreDelayed { request, problem: KeychainProblem::Locked };
    let unstored = session(&requesting, REFRESH, delayed);
    let refused = refused().0;
    let insists = session(&refused, REFRESH + HOUR, Event::RefreshRequested);
    for (session, is_busy) in [
        (Session::opening(), true),
        (locked, false),
        (good(), false),
        (requesting, true),
        (unstored, false),
        (failing(OFFLINE), false),
        (refused, false),
        (insists, true),
        (session(&good(), 0, Event::LoggedOut), false),
    ] {
        assert_eq!(session.is_busy(), is_busy, "{session:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_changes_no_length_of_time_and_causes_no_request() {
    for by in [MINUTE, HOUR, DAY, 365 * DAY].map(|by| -by) {
        for (before, now) in [(good(), HOUR), (failing(OFFLINE), REFRESH), (failing(later(600)), REFRESH)] {
            let (after, effects) = step(&before, now + by, Event::ClockSet { by: SignedDuration::from_secs(by) });
            assert_eq!(effects, []);
            let (earlier, reason) = wakeup(&before, now).unwrap();
            assert_eq!(wakeup(&after, now + by), Some((earlier + by, reason)), "{by} s");
            let remaining = |session: &Session, now| session.access_token().unwrap().remaining(at(now));
            assert_eq!(remaining(&after, now + by), remaining(&before, now));
            assert_eq!(after.state(at(now + by)), before.state(at(now)));
        }
    }
}

/// The machine may have been paused for as long as the clock jumped.
#[test]
fn a_clock_that_is_set_forward_makes_no_token_last_longer_and_a_refresh_is_due_when_it_is_over() {
    for by in [MINUTE, HOUR, DAY, 365 * DAY] {
        let (after, effects) = step(&good(), HOUR + by, Event::ClockSet { by: SignedDuration::from_secs(by) });
        assert_eq!(effects, []);
        assert_eq!(after.access_token(), good().access_token(), "{by} s");
        assert_eq!(wakeup(&after, HOUR + by), wakeup(&good(), HOUR), "{by} s");
        let is_over = HOUR + by > DAY;
        assert_eq!(requested(&step(&after, HOUR + by, Event::TimeoutElapsed).1).is_some(), is_over, "{by} s");

        let failing = failing(later(600));
        let (after, _) = step(&failing, REFRESH + by, Event::ClockSet { by: SignedDuration::from_secs(by) });
        let (earlier, reason) = wakeup(&failing, REFRESH).unwrap();
        assert_eq!(
            wakeup(&after, REFRESH + by),
            Some((earlier + by, reason)),
            "what the server asked to wait is waited"
        );
    }
}

#[test]
fn a_deadline_that_is_impossibly_far_is_due_now() {
    let far = -30 * DAY;
    assert!(requested(&step(&good(), far, Event::TimeoutElapsed).1).is_some());
    assert!(requested(&step(&failing(OFFLINE), far, Event::TimeoutElapsed).1).is_some());
    assert!(requested(&step(&failing(later(600)), far, Event::TimeoutElapsed).1).is_some());
    let locked = session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked));
    assert_eq!(step(&locked, far, Event::TimeoutElapsed).1, [Effect::OpenTokens]);
    assert!(!good().lasts(None, at(far), &Policy::default()), "nothing is known about its end");
}

#[test]
fn a_logout_forgets_and_takes_back_what_was_shown() {
    let mut warned = refused().0;
    warned.shown = Shown { not_renewed: true, keychain: true, login_ends: true };
    let (left, effects) = step(&warned, REFRESH, Event::LoggedOut);
    let withdrawn =
        [NoticeKind::LoginRequired, NoticeKind::NotRenewed, NoticeKind::KeychainRefused, NoticeKind::LoginEnds];
    let withdrawn = withdrawn.map(Effect::Withdraw);
    assert_eq!(effects, [withdrawn.as_slice(), &[Effect::DropFromMemory]].concat());
    assert_eq!(left.state(at(REFRESH)), State::SignedOut);
    assert_eq!((left.access_token(), left.refresh_token(), wakeup(&left, REFRESH)), (None, None, None));
}

#[test]
fn a_login_takes_over_from_every_phase() {
    let signed_out = session(&good(), 0, Event::LoggedOut);
    let locked = session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked));
    for before in [Session::opening(), locked, signed_out, good(), failing(OFFLINE), refused().0] {
        let after = session(&before, REFRESH, Event::AuthorizationGranted(tokens(REFRESH, DAY)));
        assert_eq!(after.state(at(REFRESH)), State::Valid);
        assert_eq!(wakeup(&after, REFRESH), Some((2 * REFRESH, WakeupReason::Refresh)));
    }
}
