#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use proptest::prelude::*;

use super::*;
use crate::oauth::failure::{AnotherUser, ErrorCode, NotSent, OAuthError, Refusal};
use crate::oauth::origin::ForeignServer;

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
        end: None,
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

fn found() -> StoredTokensInfo {
    StoredTokensInfo { a: Some(info(Slot::A, 5, "r5")), b: Some(info(Slot::B, 4, "r4")), ..StoredTokensInfo::default() }
}

fn grant(token: &str) -> Answer {
    Answer::Granted(Granted {
        refresh_token: Some(Fingerprint::of(token)),
        login_ends_at: None,
        access_token: access_token(),
    })
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

fn log_in(fingerprint: Fingerprint) -> Purpose {
    Purpose::LogIn { fingerprint, user_id: None, replaces_user: false }
}

const REFRESH: Purpose = Purpose::Refresh { known: Some(5) };

#[test]
fn a_new_token_never_overwrites_the_only_copy_of_the_last() {
    let steps = run(
        REFRESH,
        [Answer::Read(found()), Answer::Done, Answer::Done, grant("r6"), Answer::Done, Answer::Done, Answer::Done],
    );
    let new = info(Slot::B, 6, "r6");
    let tokens = TokensInfo { refresh_token: new, access_token: access_token() };
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
        vec![Answer::Read(StoredTokensInfo::default())],
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
    let rotation = answers.into_iter().fold(Rotation::new(REFRESH), |rotation, answer| rotation.advance(answer, now()));
    let back = -SignedDuration::from_hours(1);
    let expected = access_token().shifted(back);
    let before = rotation.clone().clock_set(back).advance(Answer::Done, now());
    let after = rotation.advance(Answer::Done, now()).clock_set(back);
    for rotation in [before, after] {
        let Step::RecordStored(tokens) = rotation.next() else { panic!("{rotation:?}") };
        assert_eq!(tokens.access_token, expected);
    }
}

proptest! {
    #[test]
    fn only_what_another_process_rotated_and_is_fresh_is_taken_over(
        known in proptest::option::of(3_u64..8),
        of in 3_u64..8,
        left in 0_i64..=24 * 3600,
    ) {
        let mut found = found();
        let expires_at = now() + SignedDuration::from_secs(left);
        let token = AccessTokenInfo { issued_at: expires_at - SignedDuration::from_hours(24), expires_at, ..access_token() };
        found.access_token = Some((of, token));
        let steps = run(Purpose::Refresh { known }, [Answer::Read(found)]);
        let adopts = known.is_some_and(|known| known < 5) && of == 5 && left > 6 * 3600;
        let is_adopted = matches!(steps.last().unwrap(), Step::Finished(Outcome::Adopted(_)));
        prop_assert_eq!(is_adopted, adopts, "{:?}", steps);
        prop_assert!(adopts || matches!(steps.last().unwrap(), Step::ProveWritable));
    }
}

#[test]
fn a_token_with_a_quarter_of_its_life_left_is_renewed_and_one_with_a_second_more_is_taken_over() {
    let token = access_token();
    let quarter = token.lifetime() / 4;
    assert!(!is_fresh(&token, token.expires_at - quarter));
    assert!(is_fresh(&token, token.expires_at - quarter - SignedDuration::from_secs(1)));
}

#[test]
fn what_another_process_rotated_is_taken_over_without_a_request() {
    let mut found = found();
    found.access_token = Some((5, access_token()));
    let adopts = |known| run(Purpose::Refresh { known }, [Answer::Read(found.clone())])[1] != Step::ProveWritable;
    assert_eq!([Some(4), Some(5), None].map(adopts), [true, false, false]);
}

#[test]
fn a_wrong_token_pasted_over_a_good_login_loses_nothing() {
    let purpose = log_in(Fingerprint::of("pasted"));
    let refusal = Answer::RequestFailed(Failure::AuthorizationRequired(Refusal::default()));
    let steps = run(
        purpose,
        [Answer::Done, Answer::Read(found()), Answer::Done, Answer::Done, refusal, Answer::Done, Answer::Done],
    );
    let Step::StoreCandidate(candidate) = steps[2] else { panic!("{steps:?}") };
    assert_eq!((candidate.slot, candidate.proven, candidate.rotations), (Slot::B, false, 0));
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
fn p1_a_candidate_gives_way_only_when_it_was_refused_and_a_login_never() {
    let refused = |code| {
        let error = Some(OAuthError { code, description: None });
        Failure::UnexpectedAnswer { http_status: 401, error, web_page: false }
    };
    for (failure, proven, expected) in [
        (refused(ErrorCode::InvalidClient), false, Outcome::Reverted),
        (refused(ErrorCode::InvalidClient), true, Outcome::Failed(refused(ErrorCode::InvalidClient))),
        (refused(ErrorCode::InvalidRequest), false, Outcome::Failed(refused(ErrorCode::InvalidRequest))),
        (Failure::NotSent(NotSent::Dns), false, Outcome::Failed(Failure::NotSent(NotSent::Dns))),
    ] {
        let mut found = found();
        found.b = Some(RefreshTokenInfo { proven, ..info(Slot::B, 6, "pasted") });
        let answers = [Answer::Read(found), Answer::Done, Answer::Done, Answer::RequestFailed(failure)];
        let steps = run(REFRESH, answers.into_iter().chain([Answer::Done, Answer::Done]));
        let drops = steps.contains(&Step::DropCandidate(Slot::B));
        assert_eq!((steps.last().unwrap(), drops), (&Step::Finished(expected.clone()), expected == Outcome::Reverted));
    }
}

#[test]
fn the_end_of_a_login_is_kept_with_its_token_whether_it_is_the_same_one_or_not() {
    let ends_at = now() + SignedDuration::from_hours(48);
    for (granted, before, proven) in [(Some("r6"), None, true), (Some("r6"), Some(now()), true), (None, None, false)] {
        let mut found = found();
        let earlier = now() - SignedDuration::from_hours(24);
        let end = before.map(|_| LoginEnd { at: ends_at, since: earlier, moves: None });
        found.a = found.a.map(|info| RefreshTokenInfo { end, proven, stored_at: earlier, ..info });
        let granted = granted.map(Fingerprint::of);
        let answer = Granted { refresh_token: granted, login_ends_at: Some(ends_at), access_token: access_token() };
        let purpose = Purpose::Refresh { known: None };
        let steps = run(purpose, [Answer::Read(found), Answer::Done, Answer::Done, Answer::Granted(answer)]);
        let Some(Step::StoreRefreshToken(stored)) = steps.last() else { panic!("{steps:?}") };
        let (since, moves) = if before.is_some() { (earlier, Some(false)) } else { (now(), None) };
        assert_eq!(stored.end, Some(LoginEnd { at: ends_at, since, moves }));
    }
}

#[test]
fn a_token_that_stays_the_same_is_stored_again_when_its_end_has_moved() {
    for (moved, is_stored) in [(0, false), (2, false), (3600, true)] {
        let mut found = found();
        let end = LoginEnd { at: now() + SignedDuration::from_hours(48), since: now(), moves: None };
        found.a = found.a.map(|info| RefreshTokenInfo { end: Some(end), ..info });
        let login_ends_at = Some(end.at + SignedDuration::from_secs(moved));
        let answer = Answer::Granted(Granted { refresh_token: None, login_ends_at, access_token: access_token() });
        let steps = run(Purpose::Refresh { known: None }, [Answer::Read(found), Answer::Done, Answer::Done, answer]);
        assert_eq!(matches!(steps.last(), Some(Step::StoreRefreshToken(_))), is_stored, "{moved}: {steps:?}");
    }
}

fn grant_of(user: &str) -> Answer {
    let access_token = AccessTokenInfo { user_id: Some(user.to_owned()), ..access_token() };
    Answer::Granted(Granted { refresh_token: Some(Fingerprint::of("granted")), login_ends_at: None, access_token })
}

fn of_first_user(found: StoredTokensInfo) -> StoredTokensInfo {
    StoredTokensInfo { user_id: Some("usr:1".to_owned()), ..found }
}

#[test]
fn p1_what_was_granted_for_another_user_is_kept_before_the_candidate_goes() {
    let users = AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() };
    let another_user = Failure::AnotherUser(users.clone());
    let begin = || [Answer::Done, Answer::Read(of_first_user(found())), Answer::Done, Answer::Done];
    let end = || [grant_of("usr:2"), Answer::Done, Answer::Done, Answer::Done];
    let steps = run(log_in(Fingerprint::of("pasted")), begin().into_iter().chain(end()));
    let given_up = [Step::DropCandidate(Slot::B), Step::Finished(Outcome::Failed(another_user.clone()))];
    let recorded = Step::RecordFailure(Fingerprint::of("pasted"), another_user);
    assert_eq!(steps[5..], [vec![Step::StoreWaitingLogin(users), recorded], given_up.to_vec()].concat());

    let replaces = Purpose::LogIn { fingerprint: Fingerprint::of("pasted"), user_id: None, replaces_user: true };
    let steps = run(replaces, begin().into_iter().chain([grant_of("usr:2")]));
    assert!(matches!(steps.last(), Some(Step::StoreRefreshToken(_))), "{steps:?}");
}

#[test]
fn a_login_that_says_that_it_is_another_users_is_not_even_presented() {
    let given = Purpose::LogIn {
        fingerprint: Fingerprint::of("pasted"),
        user_id: Some("usr:2".to_owned()),
        replaces_user: false,
    };
    let steps = run(given, [Answer::Done, Answer::Read(of_first_user(found())), Answer::Done]);
    assert!(matches!(steps[2..], [Step::StoreWaitingLogin(_), Step::Finished(Outcome::Failed(_))]), "{steps:?}");
}

#[test]
fn a_candidate_of_another_user_that_was_left_behind_is_asked_about_unless_a_person_had_answered() {
    let mut left_behind = of_first_user(found());
    left_behind.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
    let answers = |found| [Answer::Read(found), Answer::Done, Answer::Done, grant_of("usr:2"), Answer::Done];
    let purpose = || Purpose::Refresh { known: None };
    let steps = run(purpose(), answers(left_behind.clone()).into_iter().chain([Answer::Done, Answer::Done]));
    assert!(matches!(steps[4], Step::StoreWaitingLogin(_)), "{steps:?}");
    assert_eq!(steps.last().unwrap(), &Step::Finished(Outcome::Reverted));
    left_behind.replaces_user = true;
    let steps = run(purpose(), answers(left_behind));
    assert!(matches!(steps[4], Step::StoreRefreshToken(_)), "{steps:?}");
}

#[test]
fn p1_a_candidate_whose_successor_waits_for_an_answer_is_not_presented_again() {
    let mut found = of_first_user(found());
    found.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
    found.waits = Some(AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() });
    let steps = run(Purpose::Refresh { known: None }, [Answer::Read(found), Answer::Done]);
    assert_eq!(steps[1..], [Step::DropCandidate(Slot::B), Step::Finished(Outcome::Reverted)]);
}

#[test]
fn a_candidate_that_the_keychain_does_not_give_up_is_the_keychains_failure_and_no_reversion() {
    let locked = KeychainProblem::Locked;
    let expected = Step::Finished(Outcome::Failed(Failure::Keychain(locked)));
    let mut left_behind = found();
    left_behind.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
    let mut waits = of_first_user(left_behind.clone());
    waits.waits = Some(AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() });
    let refusal = Answer::RequestFailed(Failure::AuthorizationRequired(Refusal::default()));
    let refused = [Answer::Read(left_behind), Answer::Done, Answer::Done, refusal, Answer::Done];
    for answers in [vec![Answer::Read(waits)], refused.to_vec()] {
        let steps = run(REFRESH, answers.into_iter().chain([Answer::KeychainFailed(locked)]));
        assert_eq!(steps.last().unwrap(), &expected, "{steps:?}");
    }
}

#[test]
fn a_second_wrong_token_over_a_candidate_of_a_crashed_login_spares_the_login_before() {
    let mut found = found();
    found.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
    let purpose = log_in(Fingerprint::of("pasted too"));
    let steps = run(purpose, [Answer::Done, Answer::Read(found)]);
    let Step::StoreCandidate(candidate) = steps[2] else { panic!("{steps:?}") };
    assert_eq!((candidate.slot, candidate.generation), (Slot::B, 7));
}

#[test]
fn a_candidate_that_the_server_keeps_is_stored_once_more_as_proven() {
    for (proven, is_stored) in [(false, true), (true, false)] {
        for granted in [None, Some(Fingerprint::of("r5"))] {
            let mut found = found();
            found.a = found.a.map(|info| RefreshTokenInfo { proven, ..info });
            let granted = Granted { refresh_token: granted, login_ends_at: None, access_token: access_token() };
            let answers = [Answer::Read(found), Answer::Done, Answer::Done, Answer::Granted(granted)];
            let steps = run(Purpose::Refresh { known: None }, answers);
            let is_same = |info: &RefreshTokenInfo| info.proven && info.fingerprint == Fingerprint::of("r5");
            let stores = matches!(steps.last(), Some(Step::StoreRefreshToken(info)) if is_same(info));
            let goes_on = matches!(steps.last(), Some(Step::RecordStored(_)));
            assert_eq!((stores, goes_on), (is_stored, !is_stored), "{steps:?}");
        }
    }
}

#[test]
fn a_candidate_that_was_not_stored_or_not_written_down_is_dropped_and_not_sent() {
    let begin = || [Answer::Done, Answer::Read(found())];
    let refused = Answer::KeychainFailed(KeychainProblem::Refused);
    for (end, failure) in [
        (vec![refused, Answer::Done], Failure::Keychain(KeychainProblem::Refused)),
        (vec![Answer::Done, Answer::JournalFailed, Answer::Done], Failure::Journal),
    ] {
        let steps = run(log_in(Fingerprint::of("pasted")), begin().into_iter().chain(end));
        let last = [Step::DropCandidate(Slot::B), Step::Finished(Outcome::Failed(failure))];
        assert_eq!(steps[steps.len() - 2..], last);
        assert!(!steps.iter().any(|step| matches!(step, Step::Send(_))), "{steps:?}");
    }
}

#[test]
fn a_login_that_waits_for_an_answer_is_stored_again_and_again_until_the_keychain_has_it() {
    let refused = Answer::KeychainFailed(KeychainProblem::Locked);
    let begin = [Answer::Done, Answer::Read(of_first_user(found())), Answer::Done, Answer::Done, grant_of("usr:2")];
    let steps =
        run(log_in(Fingerprint::of("pasted")), begin.into_iter().chain([refused.clone(), refused, Answer::Done]));
    let stores = steps.iter().filter(|step| matches!(step, Step::StoreWaitingLogin(_))).count();
    assert_eq!(stores, 3, "{steps:?}");
    assert!(matches!(steps.last(), Some(Step::RecordFailure(..))), "{steps:?}");
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

#[test]
fn p9_a_login_of_another_server_is_presented_nowhere() {
    let foreign = ForeignServer { belongs_to: "a.example".to_owned(), configured: "b.example".to_owned() };
    let elsewhere = StoredTokensInfo { foreign: Some(foreign.clone()), ..found() };
    let steps = run(REFRESH, [Answer::Read(elsewhere.clone())]);
    assert_eq!(steps[1], Step::Finished(Outcome::Failed(Failure::ServerChanged(foreign))));
    let steps = run(log_in(Fingerprint::of("given")), [Answer::Done, Answer::Read(elsewhere)]);
    assert!(matches!(steps[2], Step::StoreCandidate(_)), "a log-in at the other server goes on: {steps:?}");
}
