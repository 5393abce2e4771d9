use super::*;
use crate::keychain::KeychainProblem;
use crate::oauth::failure::{AnotherUser, ErrorCode, NotSent, OAuthError, OutcomeUnknown};
use crate::oauth::origin::ForeignServer;

fn entry(second: i64, record: Record) -> Entry {
    Entry { at: Timestamp::constant(second, 0), record }
}

fn token(name: &str) -> Fingerprint {
    Fingerprint::of(name)
}

#[test]
fn a_crash_after_presenting_leaves_the_outcome_unknown() {
    let mut entries =
        vec![entry(1, Record::Stored { fingerprint: token("a"), rotations: 0, expires_at: Timestamp::constant(9, 0) })];
    entries.push(entry(2, Record::Presented { fingerprint: token("a") }));
    entries.push(entry(3, Record::Presented { fingerprint: token("a") }));
    let unresolved = summarize(&entries).unresolved;
    assert_eq!(unresolved, [Unresolved { fingerprint: token("a"), times: 2, last_at: Timestamp::constant(3, 0) }]);
}

#[test]
fn a_request_that_never_left_does_not_count_as_presented() {
    let not_sent = Record::NotSent { fingerprint: token("a"), reason: "no connection".to_owned() };
    let entries = [entry(1, Record::Presented { fingerprint: token("a") }), entry(2, not_sent)];
    assert_eq!(summarize(&entries).unresolved, []);
}

#[test]
fn a_wrong_token_that_a_person_tries_does_not_make_the_journal_forget_about_the_login() {
    let refused = |name| Record::Refused { fingerprint: token(name), expired_at: None, trace_id: None, reason: None };
    let told = Record::Told { fingerprint: token("a"), boot: "1".to_owned() };
    let presented = |name| Record::Presented { fingerprint: token(name) };
    let records = [presented("a"), refused("a"), told, presented("a"), presented("wrong"), refused("wrong")];
    let summary = summarize(&records.map(|record| entry(1, record)));
    assert_eq!(summary.refused(token("a")).and_then(|refused| refused.told.as_deref()), Some("1"));
    assert_eq!(summary.unresolved(token("a")).map(|unresolved| unresolved.times), Some(1));
}

#[test]
fn a_journal_torn_at_any_byte_keeps_every_whole_line() {
    let lines: Vec<String> =
        (0..4).map(|second| entry(second, Record::Presented { fingerprint: token("a") }).to_line()).collect();
    let whole = lines.concat();
    for cut in 0..=whole.len() {
        let ends = lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let expected = ends.filter(|end| end - 1 <= cut).count();
        assert_eq!(parse(&whole.as_bytes()[..cut]).len(), expected, "cut at {cut}");
    }
}

#[test]
fn a_logout_forgets_what_was_known() {
    let entries = [
        entry(1, Record::LoggedIn { fingerprint: token("a") }),
        entry(2, Record::Refused { fingerprint: token("a"), expired_at: None, trace_id: None, reason: None }),
        entry(3, Record::LoggedOut),
    ];
    assert_eq!(summarize(&entries), Summary::default());
}

fn presented(name: &str) -> Record {
    Record::Presented { fingerprint: token(name) }
}

fn stored(name: &str) -> Record {
    Record::Stored { fingerprint: token(name), rotations: 0, expires_at: Timestamp::constant(9, 0) }
}

fn refused(name: &str) -> Record {
    Record::Refused { fingerprint: token(name), expired_at: None, trace_id: None, reason: None }
}

#[test]
fn an_earlier_presentation_stays_unresolved_when_a_later_one_never_left() {
    let not_sent = Record::NotSent { fingerprint: token("a"), reason: "no connection".to_owned() };
    let records = [presented("a"), presented("b"), presented("a"), not_sent];
    let summary = summarize(&records.map(|record| entry(1, record)));
    let times = |name| summary.unresolved(token(name)).map(|unresolved| unresolved.times);
    assert_eq!((times("a"), times("b")), (Some(1), Some(1)));
}

#[test]
fn a_stored_successor_settles_everything_but_the_log_in_that_it_came_from() {
    let declined = Record::Declined { fingerprint: token("a"), reason: String::new(), retry_after: Some(60) };
    let records = [
        Record::LoggedIn { fingerprint: token("a") },
        presented("a"),
        declined,
        refused("x"),
        presented("a"),
        stored("b"),
    ];
    let expected = Summary { stored: Some(token("b")), logged_in: Some(token("a")), ..Summary::default() };
    assert_eq!(summarize(&records.map(|record| entry(1, record))), expected);
}

#[test]
fn a_token_counts_as_presented_once_a_line_says_so() {
    let entries = [stored("a"), presented("b"), refused("c")].map(|record| entry(1, record));
    assert_eq!(["a", "b", "c"].map(|name| was_presented(&entries, token(name))), [false, true, false]);
}

#[test]
fn a_line_tells_whether_it_is_about_a_login_or_about_a_refusal() {
    for (record, is_of_a_login, refusal) in [
        (stored("a"), true, None),
        (Record::LoggedIn { fingerprint: token("a") }, true, None),
        (Record::LoggedOut, true, None),
        (presented("a"), false, None),
        (refused("a"), false, Some(token("a"))),
        (Record::Slept { since: Timestamp::UNIX_EPOCH }, false, None),
    ] {
        assert_eq!(
            (record.is_of_a_login(), entry(1, record.clone()).refused()),
            (is_of_a_login, refusal),
            "{record:?}"
        );
    }
}

#[test]
fn a_wait_is_bounded_and_ends_and_one_from_the_future_is_not_waited() {
    let second = |second| Timestamp::constant(second, 0);
    let wait = Wait { fingerprint: token("a"), since: second(10), until: second(100) };
    for (now, until) in [(9, None), (10, Some(70)), (40, Some(100)), (99, Some(100)), (100, None), (101, None)] {
        let waited = wait.until(second(now), SignedDuration::from_secs(60));
        assert_eq!(waited, until.map(second), "{now}");
    }
}

#[test]
fn what_a_presented_token_came_to_is_written_down_and_what_was_not_sent_is_not() {
    let (fingerprint, http_status) = (token("a"), 503);
    let declined = |retry_after, failure: &Failure| {
        Some(Record::Declined { fingerprint, reason: failure.in_words(), retry_after })
    };
    let another_user = Failure::AnotherUser(AnotherUser { account: "1".to_owned(), login: "2".to_owned() });
    let odd = Failure::UnexpectedAnswer { http_status, error: None, web_page: false };
    let soon = Failure::RetryLater { retry_after: None, http_status };
    let later = Failure::RetryLater { retry_after: Some(SignedDuration::from_secs(60)), http_status };
    let (connect, lost) = (Failure::NotSent(NotSent::Connect), Failure::OutcomeUnknown(OutcomeUnknown::TimedOut));
    let error = Some(OAuthError { code: ErrorCode::InvalidGrant, description: Some("Gone".to_owned()) });
    let refusal = Refusal { expired_at: Some(Timestamp::UNIX_EPOCH), trace_id: Some("t".to_owned()), error };
    let refused = Record::Refused {
        fingerprint,
        expired_at: refusal.expired_at,
        trace_id: refusal.trace_id.clone(),
        reason: Some("invalid_grant: Gone".to_owned()),
    };
    let foreign = ForeignServer { belongs_to: "a".to_owned(), configured: "b".to_owned() };
    for (failure, record) in [
        (connect.clone(), Some(Record::NotSent { fingerprint, reason: connect.in_words() })),
        (lost.clone(), Some(Record::OutcomeUnknown { fingerprint, reason: lost.in_words() })),
        (soon.clone(), declined(None, &soon)),
        (later.clone(), declined(Some(60), &later)),
        (odd.clone(), declined(None, &odd)),
        (another_user.clone(), declined(None, &another_user)),
        (Failure::AuthorizationRequired(refusal), Some(refused)),
        (Failure::ServerChanged(foreign), None),
        (Failure::Keychain(KeychainProblem::Locked), None),
        (Failure::Journal, None),
        (Failure::Lock("it is held".to_owned()), None),
    ] {
        assert_eq!(Record::of_failure(fingerprint, &failure), record, "{failure:?}");
    }
}
