//! Each sentence of the policy, as a test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use super::*;
use crate::failure::{NotSent, OutcomeUnknown};
use crate::keychain::Slot;
use crate::policy::Policy;
use crate::status::State;
use crate::token::Fingerprint;

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
        fingerprint: Fingerprint::of(&generation.to_string()),
    }
}

fn access_token(issued: i64, seconds: i64) -> AccessTokenInfo {
    AccessTokenInfo { issued_at: at(issued), expires_at: at(issued + seconds), scope: vec![], user_id: None }
}

fn tokens(issued: i64, seconds: i64) -> Tokens {
    Tokens { refresh_token: refresh_token(2), access_token: access_token(issued, seconds) }
}

fn step(session: &Session, now: i64, event: Event) -> (Session, Vec<Effect>) {
    session.clone().step(event, Moment { now: at(now), chance: Chance::HALF }, &Policy::default())
}

fn session(session: &Session, now: i64, event: Event) -> Session {
    step(session, now, event).0
}

fn start(now: i64, issued: Option<i64>, resume: Resume) -> (Session, Vec<Effect>) {
    let access_token = issued.map(|issued| access_token(issued, DAY));
    let recovered = Recovered { refresh_token: Some(refresh_token(1)), access_token, resume };
    step(&Session::opening(), now, Event::Opened(recovered))
}

/// Logged in at 0 with a day's token.
fn good() -> Session {
    start(0, Some(0), Resume::Continue).0
}

fn requested(effects: &[Effect]) -> Option<RequestId> {
    effects.iter().find_map(|effect| match effect {
        Effect::RequestToken(request) => Some(*request),
        Effect::OpenTokens | Effect::Notify(_) | Effect::Withdraw(_) | Effect::ForgetTokens => None,
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
    Failure::Later { retry_after: Some(SignedDuration::from_secs(seconds)), http_status: 429 }
}

fn in_minutes(minutes: i64) -> Option<SignedDuration> {
    Some(SignedDuration::from_mins(minutes))
}

#[test]
fn a_day_token_is_refreshed_at_three_quarters_and_nothing_happens_before() {
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
        (Failure::Odd { http_status: 403, error: None }, State::Retrying),
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
    assert_eq!(wakeup(&refused, DAY), None);
}

#[test]
fn a_person_is_told_once_however_often_the_token_is_probed() {
    let (refused, _) = refused();
    assert_eq!(step(&refused, REFRESH + 5, Event::RefreshRequested).1, [], "spaced half a minute apart");
    let (probing, effects) = step(&refused, REFRESH + MINUTE, Event::RefreshRequested);
    let probe = requested(&effects).unwrap();
    assert_eq!(step(&probing, REFRESH + 2 * MINUTE, Event::RefreshRequested).1, [], "one probe at a time");
    for failure in [Failure::AuthorizationRequired(Refusal::default()), OFFLINE] {
        let (after, effects) = fail(&probing, REFRESH + MINUTE, probe, failure);
        assert_eq!(effects, []);
        assert_eq!(after.state(at(REFRESH + MINUTE)), State::LoginSoon);
    }
    let granted = Event::TokenGranted { request: probe, tokens: tokens(REFRESH, DAY) };
    let (granted, effects) = step(&probing, REFRESH + MINUTE, granted);
    assert_eq!(effects, [Effect::Withdraw(NoticeKind::LoginRequired)]);
    assert_eq!(granted.state(at(REFRESH + MINUTE)), State::Valid);
}

#[test]
fn the_outcome_of_an_old_request_changes_nothing() {
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let old = requested(&effects).unwrap();
    let failed = fail(&requesting, REFRESH, old, OFFLINE).0;
    let again = session(&failed, REFRESH + HOUR, Event::TimeoutElapsed);
    for now in [&good(), &failed, &again, &refused().0, &session(&good(), 9, Event::LogoutRequested)] {
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
fn retry_after_is_kept_within_an_hour_whoever_asks() {
    for (asked, waits) in [(0, 1), (120, 120), (HOUR, HOUR), (90_000, HOUR), (i64::MAX, HOUR)] {
        assert_eq!(wakeup(&failing(later(asked)), REFRESH), Some((REFRESH + waits, WakeupReason::Retry)), "{asked}");
    }
    let waiting = failing(later(600));
    for event in [
        Event::TimeoutElapsed,
        Event::TokenWanted { min_valid: in_minutes(23 * 60) },
        Event::RefreshRequested,
        Event::ConnectivityReturned,
        Event::KeychainReturned,
    ] {
        assert_eq!(requested(&step(&waiting, REFRESH + 599, event.clone()).1), None, "{event:?}");
    }
    assert!(requested(&step(&waiting, REFRESH + 600, Event::TimeoutElapsed).1).is_some());
}

#[test]
fn callers_who_poll_through_an_outage_cause_no_request_of_their_own() {
    let mut with_pollers = failing(OFFLINE);
    let mut alone = with_pollers.clone();
    let mut counts = [0, 0];
    for now in REFRESH + 1..REFRESH + HOUR {
        let polled = step(&with_pollers, now, Event::TokenWanted { min_valid: in_minutes(23 * 60) });
        assert_eq!(requested(&polled.1), None);
        with_pollers = polled.0;
        for (count, session) in counts.iter_mut().zip([&mut with_pollers, &mut alone]) {
            let (mut next, effects) = step(session, now, Event::TimeoutElapsed);
            if let Some(request) = requested(&effects) {
                *count += 1;
                next = fail(&next, now, request, OFFLINE).0;
            }
            *session = next;
        }
    }
    assert_eq!(counts[0], counts[1]);
    assert!((5..30).contains(&counts[0]), "{counts:?}");
}

#[test]
fn callers_who_poll_a_fresh_token_cause_no_request_either() {
    let mut polled = good();
    for now in 0..HOUR {
        let (next, effects) = step(&polled, now, Event::TokenWanted { min_valid: None });
        assert_eq!(effects, []);
        polled = next;
    }
    // More than any token lasts is not to be had.
    assert_eq!(step(&good(), HOUR, Event::TokenWanted { min_valid: in_minutes(48 * 60) }).1, []);
    assert!(requested(&step(&good(), HOUR, Event::TokenWanted { min_valid: in_minutes(23 * 60 + 30) }).1).is_some());
}

#[test]
fn a_person_who_clicks_again_and_again_asks_twice_a_minute() {
    let failed = failing(OFFLINE);
    assert_eq!(step(&failed, REFRESH + 2, Event::RefreshRequested).1, []);
    assert!(requested(&step(&failed, REFRESH + 30, Event::RefreshRequested).1).is_some());
    let locked = failing(Failure::Keychain(KeychainProblem::Locked));
    assert!(requested(&step(&locked, REFRESH + 1, Event::RefreshRequested).1).is_some(), "nothing was sent");
}

#[test]
fn a_restart_sends_nothing_while_the_token_is_good() {
    for now in [0, HOUR, REFRESH - HOUR] {
        let (started, effects) = start(now, Some(0), Resume::Continue);
        assert_eq!((effects, started.state(at(now))), (vec![], State::Valid));
        assert_eq!(wakeup(&started, now), Some((REFRESH, WakeupReason::Refresh)));
    }
}

#[test]
fn a_restart_late_in_life_waits_for_the_network() {
    let late = 20 * HOUR;
    let (started, effects) = start(late, Some(0), Resume::Continue);
    assert_eq!((effects, wakeup(&started, late)), (vec![], Some((late + MINUTE, WakeupReason::Refresh))));
    let nearly_over = DAY - 40;
    let (started, _) = start(nearly_over, Some(0), Resume::Continue);
    assert_eq!(wakeup(&started, nearly_over), Some((nearly_over + 10, WakeupReason::Refresh)));
    for issued in [None, Some(-DAY)] {
        assert!(requested(&start(0, issued, Resume::Continue).1).is_some(), "nothing to wait for");
    }
}

#[test]
fn an_unknown_outcome_gets_one_hurried_try_after_a_restart_and_then_patience() {
    assert!(requested(&start(HOUR, Some(0), Resume::TryAgain).1).is_some());
    for last in [HOUR, 99 * DAY] {
        let resume = Resume::TryPatiently { times: 8, last_at: at(last) };
        let (started, effects) = start(HOUR, Some(0), resume);
        assert_eq!(effects, []);
        // Half of the ceiling after eight failures, also when the clock was set back meanwhile.
        assert_eq!(wakeup(&started, HOUR), Some((HOUR + 320, WakeupReason::Retry)));
    }
}

#[test]
fn a_start_finds_out_that_nobody_is_logged_in_or_that_somebody_must() {
    let nobody = Recovered { refresh_token: None, access_token: None, resume: Resume::Continue };
    let (started, effects) = step(&Session::opening(), 0, Event::Opened(nobody));
    assert_eq!((effects, started.state(at(0))), (vec![], State::SignedOut));
    for (told, count) in [(true, 0), (false, 1)] {
        let resume = Resume::Refused { refusal: Refusal::default(), since: at(-9), told };
        let (started, effects) = start(0, Some(0), resume);
        assert_eq!((effects.len(), started.state(at(0))), (count, State::LoginSoon));
    }
}

#[test]
fn a_locked_keychain_at_start_is_waited_for_and_is_no_sign_out() {
    let waiting = session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked));
    assert_eq!(waiting.state(at(0)), State::KeychainUnavailable);
    let (due, reason) = wakeup(&waiting, 0).unwrap();
    assert_eq!(reason, WakeupReason::Open);
    for (now, event) in [(due, Event::TimeoutElapsed), (1, Event::RefreshRequested), (1, Event::KeychainReturned)] {
        let (opening, effects) = step(&waiting, now, event);
        assert_eq!(effects, [Effect::OpenTokens]);
        assert_eq!(step(&opening, now, Event::KeychainReturned).1, [], "one read at a time");
    }
}

#[test]
fn two_lost_answers_are_followed_by_patience() {
    let mut lost = failing(TIMED_OUT);
    let (due, _) = wakeup(&lost, REFRESH).unwrap();
    assert!(due < REFRESH + 10);
    let (requesting, effects) = step(&lost, due, Event::TimeoutElapsed);
    lost = fail(&requesting, due, requested(&effects).unwrap(), TIMED_OUT).0;
    assert_eq!(wakeup(&lost, due), Some((due + 15 * MINUTE, WakeupReason::Retry)));
}

/// The warnings, with the minute of each, of an outage that begins with the refresh.
fn warnings_of_an_outage() -> (Session, Vec<(i64, Notice)>) {
    let mut outage = failing(OFFLINE);
    let mut warnings = vec![];
    while let Some((now, _)) = wakeup(&outage, 0).filter(|(now, _)| *now <= DAY) {
        let (mut next, effects) = step(&outage, now, Event::TimeoutElapsed);
        if let Some(request) = requested(&effects) {
            next = fail(&next, now, request, OFFLINE).0;
        }
        for effect in effects {
            if let Effect::Notify(notice) = effect {
                warnings.push(((now - DAY) / MINUTE, notice));
            }
        }
        outage = next;
        if now == DAY {
            break;
        }
    }
    (outage, warnings)
}

#[test]
fn a_token_that_is_not_renewed_is_warned_of_once_and_half_an_hour_before_its_end() {
    let (_, warnings) = warnings_of_an_outage();
    let cause = "no connection".to_owned();
    let notice = Notice::NotRenewed { cause, since: at(REFRESH), access_token_until: at(DAY) };
    assert_eq!(warnings, [(-30, notice)]);
}

#[test]
fn the_warning_is_withdrawn_when_the_token_is_renewed_and_comes_again_with_the_next_outage() {
    let (outage, _) = warnings_of_an_outage();
    let (requesting, effects) = step(&outage, DAY + HOUR, Event::ConnectivityReturned);
    let request = requested(&effects).unwrap();
    let granted = Event::TokenGranted { request, tokens: tokens(DAY + HOUR, DAY) };
    let (granted, effects) = step(&requesting, DAY + HOUR, granted);
    assert_eq!(effects, [Effect::Withdraw(NoticeKind::NotRenewed)]);
    assert_eq!(granted.shown, Shown::default());
}

#[test]
fn a_machine_that_wakes_up_late_fails_for_ten_minutes_before_it_bothers_anybody() {
    // It slept past the end; the network needs its time.
    let (requesting, effects) = step(&good(), 2 * DAY, Event::TimeoutElapsed);
    let failed = fail(&requesting, 2 * DAY, requested(&effects).unwrap(), OFFLINE).0;
    assert_eq!(step(&failed, 2 * DAY + 1, Event::TimeoutElapsed).1, []);
    let warned = step(&failed, 2 * DAY + 10 * MINUTE, Event::TimeoutElapsed).1;
    assert!(warned.iter().any(|effect| matches!(effect, Effect::Notify(Notice::NotRenewed { .. }))), "{warned:?}");
    let woken = session(&failed, 2 * DAY + 9 * MINUTE, Event::ConnectivityReturned);
    assert_eq!(step(&woken, 2 * DAY + 10 * MINUTE, Event::TimeoutElapsed).1, [], "the patience starts anew");
}

#[test]
fn a_keychain_that_does_not_take_the_new_token_is_told_of_once_and_taken_back() {
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let request = requested(&effects).unwrap();
    let delayed = Event::TokenStoreDelayed { request, problem: KeychainProblem::Locked };
    let (waiting, effects) = step(&requesting, REFRESH, delayed.clone());
    assert_eq!(effects, [Effect::Notify(Notice::KeychainRefused)]);
    assert_eq!(waiting.state(at(REFRESH)), State::KeychainUnavailable);
    assert_eq!(waiting.access_token(), good().access_token(), "nobody sees the new one yet");
    let (waiting, effects) = step(&waiting, REFRESH + 9, delayed);
    assert_eq!(effects, []);
    let granted = Event::TokenGranted { request, tokens: tokens(REFRESH, DAY) };
    assert_eq!(step(&waiting, REFRESH + 99, granted).1, [Effect::Withdraw(NoticeKind::KeychainRefused)]);
}

#[test]
fn a_clock_that_is_set_changes_no_length_of_time_and_causes_no_request() {
    for by in [MINUTE, HOUR, DAY, 365 * DAY] {
        for by in [by, -by] {
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
fn a_server_that_hands_out_expired_tokens_causes_no_loop() {
    for (lifetime, apart) in [(1, 1), (8, 6), (0, 1), (-5, 1)] {
        let (granted, _) = step(&good(), 0, Event::AuthorizationGranted(tokens(0, lifetime)));
        assert_eq!(granted.phase(), &Phase::Scheduled { at: at(apart) }, "{lifetime} s");
        assert_eq!(step(&granted, 0, Event::TokenWanted { min_valid: None }).1, []);
        assert_eq!(step(&granted, 0, Event::RefreshRequested).1, []);
    }
}

#[test]
fn a_logout_forgets_and_takes_back_what_was_shown() {
    let mut warned = refused().0;
    warned.shown = Shown { not_renewed: true, keychain: true };
    let (left, effects) = step(&warned, REFRESH, Event::LogoutRequested);
    let withdrawn = [NoticeKind::LoginRequired, NoticeKind::NotRenewed, NoticeKind::KeychainRefused];
    let withdrawn = withdrawn.map(Effect::Withdraw);
    assert_eq!(effects, [withdrawn.as_slice(), &[Effect::ForgetTokens]].concat());
    assert_eq!(left.state(at(REFRESH)), State::SignedOut);
    assert_eq!((left.access_token(), left.refresh_token(), wakeup(&left, REFRESH)), (None, None, None));
}

#[test]
fn a_login_takes_over_from_every_phase() {
    let signed_out = session(&good(), 0, Event::LogoutRequested);
    let locked = session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked));
    for before in [Session::opening(), locked, signed_out, good(), failing(OFFLINE), refused().0] {
        let after = session(&before, REFRESH, Event::AuthorizationGranted(tokens(REFRESH, DAY)));
        assert_eq!(after.state(at(REFRESH)), State::Valid);
        assert_eq!(wakeup(&after, REFRESH), Some((2 * REFRESH, WakeupReason::Refresh)));
    }
}

#[test]
fn the_network_and_the_keychain_are_tried_when_they_return() {
    assert!(requested(&step(&failing(OFFLINE), REFRESH, Event::ConnectivityReturned).1).is_some());
    let locked = failing(Failure::Keychain(KeychainProblem::Locked));
    assert!(requested(&step(&locked, REFRESH, Event::KeychainReturned).1).is_some());
    assert_eq!(requested(&step(&failing(OFFLINE), REFRESH, Event::KeychainReturned).1), None);
    assert_eq!(step(&good(), HOUR, Event::ConnectivityReturned), (good(), vec![]));
}

#[test]
fn an_odd_answer_is_retried_after_a_minute_at_the_least() {
    let (due, _) = wakeup(&failing(Failure::Odd { http_status: 403, error: None }), REFRESH).unwrap();
    assert_eq!(due, REFRESH + MINUTE);
}
