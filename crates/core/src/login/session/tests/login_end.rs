//! A login that ends is told of before it does.

use super::*;
use crate::login::token_store::LoginEnd;
use crate::oauth::server::Server;

/// Logged in at 0; the login ends then.
fn ending(end: i64, moves: Option<bool>) -> TokensInfo {
    let end = Some(LoginEnd { at: at(end), since: at(0), moves });
    TokensInfo { refresh_token: RefreshTokenInfo { end, ..refresh_token(2) }, access_token: access_token(0, DAY) }
}

fn logged_in(end: i64, moves: Option<bool>) -> Session {
    session(&Session::opening(), 0, Event::AuthorizationGranted(ending(end, moves)))
}

fn before(session: &Session) -> Option<Timestamp> {
    let server = Server::at("https://a.example/token".parse().unwrap());
    session.status(&"a".parse().unwrap(), &server, true, at(0)).login.before
}

fn tells(effects: &[Effect], end: i64) -> bool {
    effects.contains(&Effect::Notify(Notice::LoginEnds { at: at(end) }))
}

#[test]
fn a_person_is_told_once_a_day_ahead_or_a_tenth_of_a_short_life() {
    for (end, told_at) in [(30 * DAY, 29 * DAY), (10 * HOUR, 9 * HOUR)] {
        let session = logged_in(end, Some(false));
        assert_eq!(before(&session), Some(at(end)));
        assert!(!tells(&step(&session, told_at - 1, Event::TimeoutElapsed).1, end));
        let (told, effects) = step(&session, told_at, Event::TimeoutElapsed);
        assert!(tells(&effects, end), "{effects:?}");
        assert!(!tells(&step(&told, told_at + 1, Event::TimeoutElapsed).1, end));
        assert!(told.next_wakeup(at(told_at), &Policy::default()).is_none_or(|(_, why)| why != WakeupReason::Warn));
    }
    let asleep = logged_in(10 * HOUR, Some(false)).next_wakeup(at(0), &Policy::default());
    assert_eq!(asleep, Some((at(9 * HOUR), WakeupReason::Warn)), "nothing else wakes it");
}

#[test]
fn a_refresh_keeps_what_was_told_of_the_same_end_and_a_new_login_takes_it_back() {
    let told = session(&logged_in(10 * HOUR, Some(false)), 9 * HOUR, Event::TimeoutElapsed);
    let again = |end| Event::AuthorizationGranted(ending(end, Some(false)));
    let (same, effects) = step(&told, 9 * HOUR + 1, again(10 * HOUR));
    assert_eq!(effects, []);
    assert!(!tells(&step(&same, 9 * HOUR + 2, Event::TimeoutElapsed).1, 10 * HOUR));
    let (rounded, effects) = step(&told, 9 * HOUR, again(10 * HOUR + 1));
    assert_eq!(effects, [], "each refresh rounds the end anew");
    assert!(!tells(&step(&rounded, 9 * HOUR + 2, Event::TimeoutElapsed).1, 10 * HOUR + 1));
    assert_eq!(step(&told, 9 * HOUR + 1, again(30 * DAY)).1, [Effect::Withdraw(NoticeKind::LoginEnds)]);
}

#[test]
fn a_login_that_each_refresh_prolongs_is_refreshed_in_time_and_no_person_is_asked() {
    let renewed_at = |moves| logged_in(8 * HOUR, moves).next_wakeup(at(0), &Policy::default()).unwrap();
    assert_eq!(renewed_at(Some(true)), (at(6 * HOUR), WakeupReason::Refresh));
    assert_eq!(renewed_at(None), (at(6 * HOUR), WakeupReason::Refresh), "it may be prolonged");
    assert_eq!(before(&logged_in(8 * HOUR, Some(true))), None);
    assert_eq!(before(&logged_in(8 * HOUR, None)), Some(at(8 * HOUR)));
}

#[test]
fn a_login_whose_end_no_refresh_moves_is_not_asked_about_more_often_as_it_nears() {
    for moves in [None, Some(true), Some(false)] {
        let granted_at = 29 * DAY;
        let TokensInfo { refresh_token, .. } = ending(30 * DAY, moves);
        let tokens = TokensInfo { refresh_token, access_token: access_token(granted_at, DAY) };
        let granted = session(&logged_in(30 * DAY, moves), granted_at, Event::AuthorizationGranted(tokens));
        let Phase::Scheduled { at: refresh } = *granted.phase() else { panic!("{granted:?}") };
        assert!(refresh >= at(granted_at + DAY / 2), "{moves:?}: {refresh}");
    }
}

#[test]
fn a_refresh_keeps_the_end_that_was_told_and_takes_every_other_notification_back() {
    let mut told = session(&logged_in(10 * HOUR, Some(false)), 9 * HOUR, Event::TimeoutElapsed);
    told.shown.not_renewed = true;
    let again = Event::AuthorizationGranted(ending(10 * HOUR, Some(false)));
    let (same, effects) = step(&told, 9 * HOUR, again);
    assert_eq!(effects, [Effect::Withdraw(NoticeKind::NotRenewed)]);
    assert_eq!(same.shown, Shown { login_ends: true, ..Shown::default() });
}

#[test]
fn an_end_that_is_near_when_the_login_begins_is_told_too() {
    let granted = session(&good(), 9 * HOUR, Event::AuthorizationGranted(ending(10 * HOUR, Some(false))));
    assert!(tells(&step(&granted, 9 * HOUR, Event::TimeoutElapsed).1, 10 * HOUR));
}

#[test]
fn a_time_for_renewing_the_login_that_has_come_with_the_grant_brings_no_second_refresh() {
    let TokensInfo { refresh_token, .. } = ending(8 * HOUR, None);
    let tokens = TokensInfo { refresh_token, access_token: access_token(6 * HOUR, DAY) };
    let granted = session(&good(), 6 * HOUR, Event::AuthorizationGranted(tokens));
    assert_eq!(*granted.phase(), Phase::Scheduled { at: at(6 * HOUR + REFRESH) });
}
