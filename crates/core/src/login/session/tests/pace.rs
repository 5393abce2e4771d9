//! When a request may be sent, and when not, whoever asks.

use super::*;
use crate::api::problem::ProblemKind;
use crate::oauth::failure::{ErrorCode, OAuthError};

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
    assert_eq!(step(&failing(later(HOUR)), REFRESH, Event::TimeoutElapsed).1, [], "the longest wait is no mistake");
}

#[test]
fn a_person_who_insists_waits_as_long_as_the_endpoint_asked_for() {
    let refused = failing(Failure::AuthorizationRequired(Refusal::default()));
    assert_eq!(step(&refused, REFRESH + 29, Event::RefreshRequested).1, []);
    let (probing, effects) = step(&refused, REFRESH + 30, Event::RefreshRequested);
    let waiting = fail(&probing, REFRESH + 30, requested(&effects).unwrap(), later(600)).0;
    assert_eq!(step(&waiting, REFRESH + 629, Event::RefreshRequested).1, []);
    assert!(requested(&step(&waiting, REFRESH + 630, Event::RefreshRequested).1).is_some());
    let set_back = Event::ClockSet { by: SignedDuration::from_hours(-48) };
    let set_back = session(&waiting, REFRESH - 48 * HOUR, set_back);
    assert!(requested(&step(&set_back, REFRESH - 48 * HOUR + 630, Event::RefreshRequested).1).is_some());
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
    // More than any token lasts is not to be had, nor what the next one lasts before another may be asked for.
    for (asked, helps) in [(23 * HOUR, false), (23 * HOUR + 1, true), (DAY - 30, true), (DAY - 29, false)] {
        let wanted = Event::TokenWanted { min_valid: Some(SignedDuration::from_secs(asked)) };
        assert_eq!(requested(&step(&good(), HOUR, wanted).1).is_some(), helps, "{asked} s");
    }
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
fn two_lost_answers_are_followed_by_patience() {
    let mut lost = failing(TIMED_OUT);
    let (due, _) = wakeup(&lost, REFRESH).unwrap();
    assert!(due < REFRESH + 10);
    let (requesting, effects) = step(&lost, due, Event::TimeoutElapsed);
    lost = fail(&requesting, due, requested(&effects).unwrap(), TIMED_OUT).0;
    assert_eq!(wakeup(&lost, due), Some((due + 15 * MINUTE, WakeupReason::Retry)));
}

#[test]
fn lost_answers_are_retried_in_haste_once_there_is_no_token_left() {
    let (requesting, effects) = step(&failing(TIMED_OUT), DAY, Event::TimeoutElapsed);
    let lost = fail(&requesting, DAY, requested(&effects).unwrap(), TIMED_OUT).0;
    assert_eq!(wakeup(&lost, DAY), Some((DAY + 5, WakeupReason::Retry)));
}

#[test]
fn a_server_that_hands_out_expired_tokens_causes_no_loop() {
    for (lifetime, apart) in [(1, 1), (8, 6)] {
        let (granted, _) = step(&good(), 0, Event::AuthorizationGranted(tokens(0, lifetime)));
        assert_eq!(granted.phase(), &Phase::Scheduled { at: at(apart) }, "{lifetime} s");
        assert_eq!(step(&granted, 0, Event::TokenWanted { min_valid: None }).1, []);
        assert_eq!(step(&granted, 0, Event::RefreshRequested).1, []);
    }
}

#[test]
fn access_tokens_that_had_expired_when_they_came_are_asked_for_less_and_less_often() {
    for lifetime in [0, -5] {
        let mut session = good();
        let mut now = REFRESH;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let (requesting, effects) = step(&session, now, Event::TimeoutElapsed);
            let request = requested(&effects).unwrap();
            session = step(&requesting, now, Event::TokenGranted { request, tokens: tokens(now, lifetime) }).0;
            assert_eq!(step(&session, now + 29, Event::TokenWanted { min_valid: None }).1, []);
            assert_eq!(step(&session, now + 29, Event::RefreshRequested).1, []);
            let Phase::BackingOff { until, troubles, .. } = session.phase() else { panic!("{session:?}") };
            assert_eq!(troubles.lost_answers, 0);
            waits.push(until.duration_since(at(now)).as_secs());
            now += waits[waits.len() - 1];
        }
        assert_eq!((waits[0], waits[11]), (30, 15 * MINUTE / 2), "half the longest: {waits:?}");
        assert_eq!(session.state(at(now)), State::Expired);
        let why = session.why_no_token(&"a".parse().unwrap(), None, &Policy::default());
        assert!(why.detail.contains("granted no access token that can be used"), "{why:?}");
        let (requesting, effects) = step(&session, now, Event::TimeoutElapsed);
        let request = requested(&effects).unwrap();
        let (healed, _) = step(&requesting, now, Event::TokenGranted { request, tokens: tokens(now, HOUR) });
        assert_eq!(healed.state(at(now)), State::Valid);
    }
}

#[test]
fn a_token_that_had_expired_when_it_was_stored_is_followed_by_another_and_nobody_is_told_that_it_is_too_short() {
    let lifetime = 4;
    let (requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let (request, stored) = (requested(&effects).unwrap(), REFRESH + lifetime + 1);
    let late = session(&requesting, stored, Event::TokenGranted { request, tokens: tokens(REFRESH, lifetime) });
    assert_eq!(late.state(at(stored)), State::Expired);

    let why = late.why_no_token(&"a".parse().unwrap(), None, &Policy::default());

    assert_eq!(why.kind, ProblemKind::TryLater, "{why:?}");
    let (due, _) = wakeup(&late, stored).unwrap();
    assert_eq!(due, stored + 1);
    assert!(requested(&step(&late, due, Event::TimeoutElapsed).1).is_some());
}

#[test]
fn what_waiting_cannot_heal_is_not_asked_for_ever() {
    let error = OAuthError { code: ErrorCode::InvalidClient, description: Some("Wrong".to_owned()) };
    let refused = Failure::UnexpectedAnswer { http_status: 401, error: Some(error), web_page: false };
    let page = Failure::UnexpectedAnswer { http_status: 403, error: None, web_page: true };
    for (failure, ends) in [(refused, true), (page, false)] {
        let mut session = good();
        let mut now = REFRESH;
        let mut asked = 0;
        while asked < 40 && !matches!(session.phase(), Phase::AuthorizationRequired { .. }) {
            let (requesting, effects) = step(&session, now, Event::TimeoutElapsed);
            session = fail(&requesting, now, requested(&effects).unwrap(), failure.clone()).0;
            asked += 1;
            now = wakeup(&session, now).map_or(now, |(due, _)| due);
        }
        assert_eq!(asked < 40, ends, "{failure:?}: asked {asked} times");
        if ends {
            assert!((5..20).contains(&asked) && now - REFRESH > HOUR / 2, "{asked} times in {} s", now - REFRESH);
            let why = session.why_no_token(&"a".parse().unwrap(), None, &Policy::default());
            assert!(why.detail.contains("client secret (invalid_client: Wrong)"), "{why:?}");
            assert!(requested(&step(&session, now + DAY, Event::RefreshRequested).1).is_some(), "a person may insist");
        }
    }
}

#[test]
fn a_refusal_after_a_long_outage_is_the_first_of_its_kind() {
    let error = OAuthError { code: ErrorCode::InvalidClient, description: None };
    let refused = Failure::UnexpectedAnswer { http_status: 401, error: Some(error), web_page: false };
    let mut session = failing(OFFLINE);
    for failure in std::iter::repeat_n(OFFLINE, 20).chain([refused]) {
        let (requesting, effects) = step(&session, REFRESH, Event::ConnectivityReturned);
        session = fail(&requesting, REFRESH, requested(&effects).unwrap(), failure).0;
    }
    assert!(matches!(session.phase(), Phase::BackingOff { .. }), "{session:?}");
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
    let (due, _) =
        wakeup(&failing(Failure::UnexpectedAnswer { http_status: 403, error: None, web_page: false }), REFRESH)
            .unwrap();
    assert_eq!(due, REFRESH + MINUTE);
}

#[test]
fn a_request_of_an_earlier_login_is_never_taken_for_a_later_one() {
    let requesting = session(&good(), REFRESH, Event::TimeoutElapsed);
    let left = session(&requesting, REFRESH, Event::LoggedOut);
    assert!(left.requests > requesting.requests);
    assert!(requesting.clone().reopened().requests > requesting.requests);
}

#[test]
fn a_person_may_ask_for_a_refresh_an_hour_after_the_last() {
    assert_eq!(good().last_success(), Some(at(0)));
    assert!(requested(&step(&good(), HOUR, Event::RefreshRequested).1).is_some());
}

#[test]
fn a_token_that_no_refresh_brings_is_told_from_one_that_is_on_its_way() {
    let advice = |asked: i64| {
        let asked = Some(SignedDuration::from_secs(asked));
        good().why_no_token(&"a".parse().unwrap(), asked, &Policy::default()).advice
    };
    assert_eq!(advice(2 * DAY), "Ask for less: --min-valid 86370s at most.");
    assert_eq!(advice(DAY - 30), "Try again in a moment, or wait for it with --wait.");
}
