#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use super::*;
use crate::login::journal::Record;
use crate::oauth::token::Fingerprint;
use crate::present::wall_clock::WallClock;

const NOW: &str = "2026-11-22T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry(time: &str, record: Record) -> Entry {
    Entry { at: at(time), record }
}

fn token() -> Fingerprint {
    Fingerprint::of("a")
}

fn presented(time: &str) -> Entry {
    entry(time, Record::Presented { fingerprint: token() })
}

fn stored(time: &str, expires_at: &str) -> Entry {
    entry(time, Record::Stored { fingerprint: token(), rotations: 1, expires_at: at(expires_at) })
}

fn logged_in(time: &str) -> Entry {
    entry(time, Record::LoggedIn { fingerprint: token() })
}

fn not_sent(time: &str) -> Entry {
    entry(time, Record::NotSent { fingerprint: token(), reason: "no connection to api.vault.ist".to_owned() })
}

fn slept(since: &str, until: &str) -> Entry {
    entry(until, Record::Slept { since: at(since) })
}

fn history(entries: &[Entry], span: Option<HistorySpan>) -> History {
    History::of(&"work".parse().unwrap(), entries, span, at(NOW), &WallClock::UTC)
}

fn kinds(history: &History) -> Vec<ItemKind> {
    history.items.iter().map(|item| item.kind).collect()
}

#[test]
fn a_week_of_a_login_is_told_with_its_times_and_reasons() {
    let history = history(
        &[
            presented("2026-11-20T08:00:00Z"),
            stored("2026-11-20T08:00:01Z", "2026-11-21T08:00:00Z"),
            logged_in("2026-11-20T08:00:02Z"),
            presented("2026-11-21T02:00:00Z"),
            stored("2026-11-21T02:00:01Z", "2026-11-22T02:00:00Z"),
            not_sent("2026-11-21T20:00:00Z"),
            not_sent("2026-11-21T20:05:00Z"),
            presented("2026-11-22T06:00:00Z"),
            entry(
                "2026-11-22T06:00:01Z",
                Record::Refused {
                    fingerprint: token(),
                    expired_at: None,
                    trace_id: Some("t-1".to_owned()),
                    reason: None,
                },
            ),
        ],
        None,
    );
    assert_eq!(history.span, HistorySpan::Week);
    assert_eq!(history.summary, "1 log-in, 1 refresh, 1 time offline and 1 refusal in the last 7 days.");
    let told: Vec<_> = history
        .items
        .iter()
        .map(|item| format!("{} | {} | {} | {:?}", item.time, item.what, item.why, item.trace_ids))
        .collect();
    assert_eq!(
        told,
        [
            r#"20 Nov, 08:00 | Logged in | Access token until 21 Nov, 08:00. | []"#,
            r#"21 Nov, 02:00 | Refreshed | Access token until 02:00. | []"#,
            r#"21 Nov, 20:00 to 06:00 | Not reached, 2 times | No connection to api.vault.ist. | []"#,
            r#"06:00 | Login refused | The endpoint did not say why. | ["t-1"]"#,
        ]
    );
}

#[test]
fn a_token_is_drawn_until_the_next_one_and_not_beyond_now() {
    let entries = [
        stored("2026-11-22T00:00:00Z", "2026-11-22T08:00:00Z"),
        stored("2026-11-22T06:00:00Z", "2026-11-22T14:00:00Z"),
    ];
    let drawn: Vec<_> =
        history(&entries, Some(HistorySpan::Day)).items.iter().map(|item| (item.left, item.width)).collect();
    assert_eq!(drawn, [(50.0, 25.0), (75.0, 25.0)]);
}

#[test]
fn what_began_before_the_picture_is_cut_and_what_was_over_is_left_out() {
    let entries = [
        stored("2026-11-20T00:00:00Z", "2026-11-20T08:00:00Z"),
        stored("2026-11-22T10:00:00Z", "2026-11-22T11:30:00Z"),
    ];
    let history = history(&entries, Some(HistorySpan::Hour));
    let drawn: Vec<_> = history.items.iter().map(|item| (item.left, item.width, item.time.as_str())).collect();
    assert_eq!(drawn, [(0.0, 50.0, "10:00")]);
}

#[test]
fn a_log_out_ends_a_token_and_a_failure_that_goes_on_says_since_when() {
    let out =
        [stored("2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z"), entry("2026-11-22T11:00:00Z", Record::LoggedOut)];
    let history_of_out = history(&out, Some(HistorySpan::Day));
    assert_eq!(kinds(&history_of_out), [ItemKind::Refreshed, ItemKind::LoggedOut]);
    assert!(history_of_out.items[0].width < 5.0);

    let failing = history(&[not_sent("2026-11-22T11:00:00Z")], None);
    assert_eq!(failing.items[0].time, "since 11:00");
    assert_eq!((failing.items[0].left, failing.items[0].width), (0.0, 100.0));
}

#[test]
fn a_request_whose_outcome_no_line_tells_is_no_gap_in_the_picture() {
    let entries = [presented("2026-11-22T10:00:00Z"), presented("2026-11-22T10:30:00Z")];
    let history = history(&entries, None);
    assert_eq!(kinds(&history), [ItemKind::Failing]);
    assert_eq!(history.items[0].why, "The agent stopped before the answer arrived.");
}

#[test]
fn a_night_asleep_is_told_and_drawn_across_the_token_that_lived_through_it() {
    let entries = [
        stored("2026-11-21T20:00:00Z", "2026-11-22T20:00:00Z"),
        slept("2026-11-21T22:10:00Z", "2026-11-22T07:32:00Z"),
        slept("2026-11-22T07:33:00Z", "2026-11-22T07:35:00Z"),
        slept("2026-11-22T11:00:00Z", NOW),
    ];
    let history = history(&entries, Some(HistorySpan::Day));
    assert_eq!(kinds(&history), [ItemKind::Refreshed, ItemKind::Asleep, ItemKind::Asleep, ItemKind::Asleep]);
    assert_eq!((history.items[0].left, history.items[0].width), (33.33, 66.67), "the token lives on");
    let night = &history.items[1];
    assert_eq!((night.left, night.width), (42.36, 39.03));
    assert_eq!([&night.time, &night.what, &night.why], ["21 Nov, 22:10 to 07:32", "Asleep", "For 9 h 22 min."]);
    assert_eq!([&night.day, &night.clock], ["Yesterday", "22:10 to 07:32"]);
    assert_eq!(history.items[3].time, "11:00 to 12:00:00", "who reads it is awake");
    assert_eq!(history.items[3].day, "Today");
    assert_eq!(history.summary, "1 refresh and 3 times asleep in the last 24 hours.");
}

#[test]
fn a_week_tells_naps_that_lie_close_together_as_one() {
    let entries =
        [slept("2026-11-21T22:00:00Z", "2026-11-21T22:10:00Z"), slept("2026-11-21T22:15:00Z", "2026-11-22T06:00:00Z")];
    let history = history(&entries, Some(HistorySpan::Week));
    let told: Vec<_> =
        history.items.iter().map(|item| format!("{} | {} | {}", item.time, item.what, item.why)).collect();
    assert_eq!(told, ["21 Nov, 22:00 to 06:00 | Asleep, 2 times | "]);
}

#[test]
fn a_sleep_that_nothing_came_of_is_not_in_the_picture() {
    let broken_off = slept("2026-11-22T10:00:00Z", "2026-11-22T10:00:59Z");
    assert_eq!(kinds(&history(&[broken_off], None)), []);
    let shortest = slept("2026-11-22T10:00:00Z", "2026-11-22T10:01:00Z");
    assert_eq!(kinds(&history(&[shortest], None)), [ItemKind::Asleep]);
}

#[test]
fn no_clock_and_no_second_agent_makes_a_sleep_longer_than_it_was() {
    let drawn = |entries: &[Entry]| -> Vec<String> {
        history(entries, Some(HistorySpan::Day)).items.into_iter().map(|item| item.time).collect()
    };
    // It is said to have begun after it was over.
    assert_eq!(drawn(&[slept("2026-11-22T11:00:00Z", "2026-11-22T10:00:00Z")]), [""; 0]);
    // It is said to have begun before a line was written, and so does another agent.
    let night = slept("1970-01-01T00:00:00Z", "2026-11-22T09:00:00Z");
    let once_more = slept("1970-01-01T00:00:00Z", "2026-11-22T09:00:01Z");
    let failing = not_sent("2026-11-22T06:00:00Z");
    assert_eq!(drawn(&[failing, night, once_more]), ["since 06:00", "06:00 to 09:00"]);
    // The line before is later: the clock was set back.
    let entries = [not_sent("2026-11-22T11:00:00Z"), slept("2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z")];
    assert_eq!(drawn(&entries), ["08:00 to 09:00", "since 11:00"]);
}

#[test]
fn the_longest_journal_becomes_a_picture_of_bounded_size() {
    let begin = at("2026-11-15T12:00:00Z");
    let entries: Vec<Entry> = (0..8_000)
        .flat_map(|number| {
            let at = begin + SignedDuration::from_secs(number * 75);
            let stored =
                Record::Stored { fingerprint: token(), rotations: 1, expires_at: at + SignedDuration::from_secs(100) };
            [Entry { at, record: Record::Presented { fingerprint: token() } }, Entry { at, record: stored }]
        })
        .collect();
    let history = history(&entries, None);
    assert!(history.items.len() <= 301, "{}", history.items.len());
    assert!(history.items[5].what.starts_with("Refreshed, 2"), "{}", history.items[5].what);
    assert_eq!(history.summary, "8000 refreshes in the last 7 days.");
}

#[test]
fn the_span_fits_the_journal_unless_a_person_chooses() {
    assert_eq!(history(&[presented("2026-11-22T11:30:00Z")], None).span, HistorySpan::Hour);
    assert_eq!(history(&[presented("2026-11-22T01:30:00Z")], None).span, HistorySpan::Day);
    assert_eq!(history(&[presented("2026-10-22T01:30:00Z")], None).span, HistorySpan::Week);
    assert_eq!(history(&[], None).summary, "Nothing happened in the last hour.");
}

#[test]
fn the_clock_below_the_picture_is_the_persons() {
    let wall = WallClock::in_zone(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    let labels = |span, now: &str| -> Vec<(String, f64)> {
        let history = History::of(&"a".parse().unwrap(), &[], Some(span), at(now), &wall);
        history.ticks.into_iter().map(|tick| (tick.label, tick.left)).collect()
    };
    let week: Vec<_> = labels(HistorySpan::Week, NOW).into_iter().map(|(label, _)| label).collect();
    assert_eq!(week, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]);
    let day = labels(HistorySpan::Day, NOW);
    assert_eq!(day.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), ["18:00", "00:00", "06:00", "12:00"]);
    assert_eq!(labels(HistorySpan::Hour, NOW)[0], ("12:00".to_owned(), 0.0));
    // The night in which the clock is set back has a midnight like any other.
    let autumn: Vec<_> =
        labels(HistorySpan::Week, "2026-10-26T12:00:00Z").into_iter().map(|(label, _)| label).collect();
    assert_eq!(autumn, ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"]);
}
