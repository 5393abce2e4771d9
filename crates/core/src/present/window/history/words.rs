//! The picture's texts.

use crate::present::wall_clock::{Precision, WallClock};
use jiff::Timestamp;

use super::reading::Incident;
use super::{HistorySpan, ItemKind};
use crate::config::duration::in_words;
use crate::present::sentence::{as_sentence, at_local_time, local_time};

/// "9 refreshes, 1 failure and 1 log-in in the last 7 days."
pub(super) fn summary(incidents: &[Incident], span: HistorySpan) -> String {
    let span = match span {
        HistorySpan::Hour => "the last hour",
        HistorySpan::Day => "the last 24 hours",
        HistorySpan::Week => "the last 7 days",
    };
    let of = |kind| incidents.iter().filter(move |incident| incident.kind == kind);
    let requests = |kind| of(kind).map(|incident| incident.times).fold(0, u32::saturating_add);
    let stretches = |kind| u32::try_from(of(kind).count()).unwrap_or(u32::MAX);
    let counts = [
        (requests(ItemKind::LoggedIn), "log-in", "log-ins"),
        (requests(ItemKind::Refreshed), "refresh", "refreshes"),
        (stretches(ItemKind::Offline), "time offline", "times offline"),
        (stretches(ItemKind::Failing), "failure", "failures"),
        (requests(ItemKind::Refused), "refusal", "refusals"),
        (requests(ItemKind::Keychain), "keychain problem", "keychain problems"),
        (requests(ItemKind::LoggedOut), "log-out", "log-outs"),
        (requests(ItemKind::Asleep), "time asleep", "times asleep"),
    ];
    let counted: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }))
        .collect();
    match counted.as_slice() {
        [] => format!("Nothing happened in {span}."),
        [only] => format!("{only} in {span}."),
        [first @ .., last] => format!("{} and {last} in {span}.", first.join(", ")),
    }
}

/// With the day where it is not today: for the picture.
pub(super) fn time(incident: &Incident, now: Timestamp, wall: &WallClock) -> String {
    span_of_time(incident, now, |at| local_time(at, now, wall))
}

/// Below the heading of its day: for the table.
pub(super) fn clock(incident: &Incident, now: Timestamp, wall: &WallClock) -> String {
    span_of_time(incident, now, |at| wall.time(at, Precision::Minutes))
}

/// "Today", "Yesterday", "Sunday, 22 November".
pub(super) fn day(incident: &Incident, now: Timestamp, wall: &WallClock) -> String {
    let (day, today) = (wall.date(incident.begin), wall.date(now));
    match today.yesterday() {
        _ if day == today => "Today".to_owned(),
        Ok(yesterday) if day == yesterday => "Yesterday".to_owned(),
        Ok(_) | Err(_) => wall.weekday(incident.begin),
    }
}

fn span_of_time(incident: &Incident, now: Timestamp, tell: impl Fn(Timestamp) -> String) -> String {
    let begin = tell(incident.begin);
    let is_over = incident.end < now;
    match incident.kind {
        ItemKind::Offline | ItemKind::Failing if incident.end == incident.begin => begin,
        ItemKind::Offline | ItemKind::Failing if !is_over => format!("since {begin}"),
        // Whoever reads this is awake.
        ItemKind::Offline | ItemKind::Failing | ItemKind::Asleep => format!("{begin} to {}", tell(incident.end)),
        ItemKind::Refreshed | ItemKind::LoggedIn | ItemKind::Refused | ItemKind::Keychain | ItemKind::LoggedOut => {
            begin
        }
    }
}

pub(super) fn what(incident: &Incident) -> String {
    let what = match incident.kind {
        ItemKind::Refreshed => "Refreshed",
        ItemKind::LoggedIn => "Logged in",
        ItemKind::Offline => "Not reached",
        ItemKind::Failing => "Not refreshed",
        ItemKind::Refused => "Login refused",
        ItemKind::Keychain => "Not stored at once",
        ItemKind::LoggedOut => "Logged out",
        ItemKind::Asleep => "Asleep",
    };
    match incident.times {
        0 | 1 => what.to_owned(),
        times => format!("{what}, {times} times"),
    }
}

pub(super) fn why(incident: &Incident, now: Timestamp, wall: &WallClock) -> String {
    match (incident.kind, incident.expires_at) {
        (ItemKind::Refreshed | ItemKind::LoggedIn, Some(end)) => {
            format!("Access token until {}.", local_time(end, now, wall))
        }
        (ItemKind::Refused, Some(end)) => format!("The login expired {}.", at_local_time(end, now, wall)),
        (ItemKind::Refused, None) if !incident.reason.is_empty() => format!("The endpoint said: {}.", incident.reason),
        (ItemKind::Refused, None) => "The endpoint did not say why.".to_owned(),
        (ItemKind::LoggedOut, _) => "The tokens were deleted.".to_owned(),
        (ItemKind::Refreshed | ItemKind::LoggedIn, None) => String::new(),
        // How long several took together, the picture tells.
        (ItemKind::Asleep, _) if incident.times > 1 => String::new(),
        (ItemKind::Asleep, _) => format!("For {}.", in_words(incident.end.duration_since(incident.begin))),
        (ItemKind::Offline | ItemKind::Failing | ItemKind::Keychain, _) => as_sentence(&incident.reason),
    }
}
