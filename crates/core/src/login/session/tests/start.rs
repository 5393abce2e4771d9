//! How a session begins.

use super::*;

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
    let nobody = Recovered { refresh_token: None, access_token: None, asked_to_wait: None, resume: Resume::Continue };
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
    assert!(matches!(waiting.phase(), Phase::Opening { failures: 1, .. }), "{waiting:?}");
    assert_eq!(step(&waiting, due - 1, Event::TimeoutElapsed).1, []);
    for (now, event) in [(due, Event::TimeoutElapsed), (1, Event::RefreshRequested), (1, Event::KeychainReturned)] {
        let (opening, effects) = step(&waiting, now, event);
        assert_eq!(effects, [Effect::OpenTokens]);
        assert_eq!(step(&opening, now, Event::KeychainReturned).1, [], "one read at a time");
    }
}
