//! What a person is told, and when it is taken back.

use super::*;

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
    let why = waiting.why_no_token(&"a".parse().unwrap(), None, &Policy::default());
    assert!(why.detail.contains("only in memory") && why.advice.contains("Keep the agent running"), "{why:?}");
    let (waiting, effects) = step(&waiting, REFRESH + 9, delayed);
    assert_eq!(effects, []);
    let granted = Event::TokenGranted { request, tokens: tokens(REFRESH, DAY) };
    assert_eq!(step(&waiting, REFRESH + 99, granted).1, [Effect::Withdraw(NoticeKind::KeychainRefused)]);
}

#[test]
fn a_warning_on_the_screen_is_put_right_once_the_token_is_over_and_no_warning_appears_for_it() {
    let (warned, _) = warnings_of_an_outage();
    let effects = step(&warned, DAY + 1, Event::TimeoutElapsed).1;
    let cause = "no connection".to_owned();
    let notice = Notice::NotRenewed { cause, since: at(REFRESH), access_token_until: at(DAY) };
    assert!(effects.contains(&Effect::Update(notice)), "{effects:?}");
    let mut unwarned = warned;
    unwarned.shown = Shown::default();
    unwarned.phase = failing(later(HOUR)).phase;
    assert_eq!(unwarned.notice_of_an_expired_token(at(DAY)), None);
}

#[test]
fn a_login_without_an_access_token_takes_back_what_is_no_longer_true_and_nothing_else() {
    let (mut requesting, effects) = step(&good(), REFRESH, Event::TimeoutElapsed);
    let request = requested(&effects).unwrap();
    requesting.shown = Shown { not_renewed: true, keychain: true, login_ends: true };
    let granted = Event::TokenGranted { request, tokens: tokens(REFRESH, 0) };
    let (granted, effects) = step(&requesting, REFRESH, granted);
    assert_eq!(effects, [Effect::Withdraw(NoticeKind::KeychainRefused)]);
    assert_eq!(granted.shown, Shown { not_renewed: true, keychain: false, login_ends: true });
}

#[test]
fn a_person_who_must_log_in_is_told_until_when_the_token_works_as_far_as_that_is_known() {
    for (now, until) in [(REFRESH, Some(at(DAY))), (DAY, Some(at(DAY))), (2 * DAY, Some(at(DAY))), (-MINUTE, None)] {
        let notice = good().login_notice(&Refusal::default(), at(now));
        assert_eq!(notice, Notice::LoginRequired { expired_at: None, access_token_until: until }, "{now}");
    }
}
