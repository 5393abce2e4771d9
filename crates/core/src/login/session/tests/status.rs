//! What people and scripts are told of a session.

use super::*;
use crate::api::problem::ProblemKind;
use crate::api::status::{AccessTokenStatus, AccountStatus, LoginStatus, RefreshStatus};
use crate::oauth::server::Server;

fn server() -> Server {
    Server::at("https://a.example/token".parse().unwrap())
}

fn status(session: &Session, now: i64) -> AccountStatus {
    session.status(&"a".parse().unwrap(), &server(), true, at(now))
}

fn foreign() -> ForeignServer {
    ForeignServer { belongs_to: "b.example".to_owned(), configured: "a.example".to_owned() }
}

fn elsewhere() -> Session {
    start(0, Some(0), Resume::ServerChanged(foreign())).0
}

fn locked() -> Session {
    session(&Session::opening(), 0, Event::OpenFailed(KeychainProblem::Locked))
}

#[test]
fn the_status_says_when_the_next_attempt_is_and_how_long_refreshing_has_failed() {
    let well = RefreshStatus {
        next_at: Some(at(REFRESH)),
        last_success_at: Some(at(0)),
        failures: 0,
        failing_since: None,
        last_error: None,
    };
    let none = RefreshStatus { next_at: None, ..well.clone() };
    let nothing = RefreshStatus { last_success_at: None, ..none.clone() };
    let troubled = |error: &str, next_at| RefreshStatus {
        next_at,
        failures: 1,
        failing_since: Some(at(REFRESH)),
        last_error: Some(error.to_owned()),
        ..well.clone()
    };
    let offline = failing(OFFLINE);
    let locked_again = failing(Failure::Keychain(KeychainProblem::Locked));
    let again = |failed: &Session| session(failed, REFRESH + MINUTE, Event::TimeoutElapsed);
    for (session, expected) in [
        (good(), well.clone()),
        (session(&good(), REFRESH, Event::TimeoutElapsed), none.clone()),
        (offline.clone(), troubled("no connection", Some(at(REFRESH + 2)))),
        (again(&offline), troubled("no connection", None)),
        (locked_again.clone(), troubled("the keychain is locked", Some(at(REFRESH + 2)))),
        (again(&locked_again), troubled("the keychain is locked", None)),
        (refused().0, none.clone()),
        (elsewhere(), none.clone()),
        (Session::opening(), nothing.clone()),
        (
            locked(),
            RefreshStatus {
                next_at: Some(at(2)),
                last_error: Some("the keychain is locked".to_owned()),
                ..nothing.clone()
            },
        ),
        (session(&good(), 0, Event::LoggedOut), nothing.clone()),
    ] {
        assert_eq!(status(&session, REFRESH).refresh, expected, "{session:?}");
    }
}

#[test]
fn the_status_says_whether_a_person_must_log_in_and_why() {
    let refused = LoginStatus {
        required_since: Some(at(REFRESH)),
        reason: Some("the endpoint refused the login".to_owned()),
        ..LoginStatus::default()
    };
    let server_changed = LoginStatus { reason: Some(foreign().to_string()), ..LoginStatus::default() };
    for (session, expected) in [
        (self::refused().0, refused),
        (elsewhere(), server_changed),
        (good(), LoginStatus::default()),
        (failing(OFFLINE), LoginStatus::default()),
        (Session::opening(), LoginStatus::default()),
        (session(&good(), 0, Event::LoggedOut), LoginStatus::default()),
    ] {
        assert_eq!(status(&session, REFRESH).login, expected, "{session:?}");
    }
}

#[test]
fn what_was_asked_for_and_not_granted_is_named() {
    let missing = |asked: &str, granted: &[&str]| {
        let mut tokens = tokens(0, DAY);
        tokens.access_token.scope = granted.iter().map(|scope| (*scope).to_owned()).collect();
        let session = session(&good(), 0, Event::AuthorizationGranted(tokens));
        let server = Server { parameters: [("scope".to_owned(), asked.to_owned())].into(), ..server() };
        session.status(&"a".parse().unwrap(), &server, true, at(0)).login.not_granted
    };
    assert_eq!(missing("a b c", &["a", "d"]), ["b", "c"]);
    assert_eq!(missing("a b", &["b", "a"]), [""; 0]);
    assert_eq!(missing("openid a offline_access", &["b"]), ["a"], "these two are about the login");
    assert_eq!(missing("a b", &[]), [""; 0], "a server that grants everything need not say so");
}

#[test]
fn the_status_shows_the_tokens_as_long_as_they_are_there() {
    let token = AccessTokenStatus { issued_at: at(0), expires_at: at(DAY), expires_in: DAY - 9 };
    assert_eq!(status(&good(), 9).access_token, Some(token));
    assert_eq!(status(&good(), DAY - 1).access_token.map(|token| token.expires_in), Some(1));
    assert_eq!(status(&good(), DAY).access_token, None);
    let stored = status(&good(), 0).refresh_token.unwrap();
    let info = refresh_token(1);
    assert_eq!((stored.fingerprint, stored.stored_at, stored.rotations), (info.fingerprint, at(0), 1));
    assert!(status(&good(), 0).default);
}

#[test]
fn instants_are_told_in_whole_seconds_and_never_later_than_they_are() {
    let mut precise = session(&good(), 0, Event::AuthorizationGranted(tokens(0, DAY)));
    let half = SignedDuration::from_millis(500);
    precise.phase = Phase::Scheduled { at: at(REFRESH) + half };
    precise.last_success = Some(at(1) + half);
    precise.refresh_token = Some(RefreshTokenInfo { stored_at: at(2) + half, ..refresh_token(1) });
    let told = status(&precise, 3);
    assert_eq!(told.refresh.next_at, Some(at(REFRESH)));
    assert_eq!(told.refresh.last_success_at, Some(at(1)));
    assert_eq!(told.refresh_token.map(|token| token.stored_at), Some(at(2)));
}

#[test]
fn a_program_that_gets_no_token_is_told_why_and_what_helps() {
    let asked = in_minutes(1);
    for (session, kind, detail, advice) in [
        (session(&good(), 0, Event::LoggedOut), ProblemKind::LoginRequired, "nobody is logged in", "evertoken login a"),
        (refused().0, ProblemKind::LoginRequired, "the endpoint refused the login", "evertoken login a"),
        (elsewhere(), ProblemKind::ServerChanged, "this login belongs to b.example", "evertoken login a"),
        (failing(OFFLINE), ProblemKind::TryLater, "no connection", "tries again by itself at "),
        (session(&failing(OFFLINE), REFRESH + 9, Event::TimeoutElapsed), ProblemKind::TryLater, "no connection", "now"),
        (locked(), ProblemKind::Keychain, "the keychain is locked", "Unlock the keychain"),
        (Session::opening(), ProblemKind::TryLater, "is being renewed", "--wait"),
        (session(&good(), REFRESH, Event::TimeoutElapsed), ProblemKind::TryLater, "is being renewed", "--wait"),
    ] {
        let problem = session.why_no_token(&"a".parse().unwrap(), asked, &Policy::default());
        assert_eq!(problem.kind, kind, "{problem:?}");
        assert!(problem.detail.contains(detail) && problem.advice.contains(advice), "{problem:?}");
    }
}
