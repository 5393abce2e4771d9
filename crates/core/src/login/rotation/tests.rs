#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use super::*;
use crate::oauth::failure::{AnotherUser, NotSent, Refusal};

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
fn a_candidate_of_another_user_gives_way_to_the_login_before() {
    let users = AnotherUser { account: "usr:1".to_owned(), login: "usr:2".to_owned() };
    let another_user = Failure::AnotherUser(users);
    let refused = Answer::RequestFailed(another_user.clone());
    let purpose = Purpose::LogIn { fingerprint: Fingerprint::of("pasted") };
    let done = || Answer::Done;
    let steps = run(purpose, [done(), Answer::Read(found()), done(), done(), refused.clone(), done(), done()]);
    assert_eq!(steps[6..], [Step::DropCandidate(Slot::B), Step::Finished(Outcome::Failed(another_user))]);

    let mut left_behind = found();
    left_behind.b = Some(RefreshTokenInfo { proven: false, ..info(Slot::B, 6, "pasted") });
    let purpose = Purpose::Refresh { known: None };
    let steps = run(purpose, [Answer::Read(left_behind), done(), done(), refused, done(), done()]);
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
