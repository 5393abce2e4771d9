//! The last days of an account as a picture: a pure function of its journal, the clock and the person's time zone.
//!
//! The journal knows what happened to the login and, on Linux with logind, when the machine slept. It does not know when
//! the agent did not run.

mod reading;
mod words;

use crate::present::wall_clock::{Precision, WallClock};
use jiff::{SignedDuration, Timestamp, ToSpan, Unit, Zoned, ZonedRound};
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::login::journal::Entry;
use reading::Incident;

/// How far back the picture goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum HistorySpan {
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    Week,
}

/// All that the picture shows, and the table with the same content.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct History {
    /// The heading.
    pub title: String,
    /// How far back it goes.
    pub span: HistorySpan,
    /// What happened, in a sentence.
    pub summary: String,
    /// The lines of the picture's clock, from left to right.
    pub ticks: Vec<Tick>,
    /// What happened, oldest first.
    pub items: Vec<Item>,
}

/// A line of the picture's clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Tick {
    /// "Mon", or "14:00".
    pub label: String,
    /// Its place, in percent of the picture's width.
    pub left: f64,
}

/// One thing that happened, or several alike that lie too close to be told apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Item {
    /// What kind of thing.
    pub kind: ItemKind,
    /// Where it begins, in percent of the picture's width.
    pub left: f64,
    /// How long it lasts, in percent; 0 for a moment.
    pub width: f64,
    /// When: "21 Nov, 02:00", or "02:00 to 02:40".
    pub time: String,
    /// The heading that it stands below in the table: "Today", "Sunday, 22 November".
    pub day: String,
    /// When, below that heading: "02:00 to 02:40".
    pub clock: String,
    /// What, in two or three words.
    pub what: String,
    /// Why, or what came of it, in a sentence; may be empty.
    pub why: String,
    /// The endpoint's own ids of its answers, for its support.
    pub trace_ids: Vec<String>,
}

/// The kinds, each with a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// A refresh, and the life of the access token that it brought.
    Refreshed,
    /// A log-in, and the life of the access token that it brought.
    LoggedIn,
    /// From the first request that did not reach the endpoint to the next that did.
    Offline,
    /// From the first request that brought no token to the next that did.
    Failing,
    /// The endpoint refused the refresh token.
    Refused,
    /// The keychain did not take a token at once.
    Keychain,
    /// A person logged out.
    LoggedOut,
    /// The machine slept.
    Asleep,
}

/// Closer than this part of the picture, things of one kind are drawn as one: about a pixel and a half in a small
/// window, and a bound for what a long journal costs.
const FINEST: i32 = 300;

impl HistorySpan {
    const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    const fn length(self) -> SignedDuration {
        match self {
            Self::Hour => SignedDuration::from_hours(1),
            Self::Day => SignedDuration::from_hours(24),
            Self::Week => SignedDuration::from_hours(7 * 24),
        }
    }

    /// The shortest that shows everything; a week when nothing does.
    fn fitting(entries: &[Entry], now: Timestamp) -> Self {
        let oldest = entries.iter().map(|entry| entry.at).min().unwrap_or(now);
        Self::ALL.into_iter().find(|span| now.duration_since(oldest) <= span.length()).unwrap_or(Self::Week)
    }
}

impl History {
    /// The picture at `now`; without a span, the shortest that shows the whole journal.
    #[must_use]
    pub fn of(
        account: &AccountName,
        entries: &[Entry],
        span: Option<HistorySpan>,
        now: Timestamp,
        wall: &WallClock,
    ) -> Self {
        let span = span.unwrap_or_else(|| HistorySpan::fitting(entries, now));
        let window = Window { begin: now - span.length(), end: now };
        let incidents = reading::read(entries, now);
        let seen: Vec<Incident> = incidents.into_iter().filter_map(|incident| window.clip(incident)).collect();
        let seen = merged(seen, span.length() / FINEST);
        Self {
            title: format!("History of {account}"),
            span,
            summary: words::summary(&seen, span),
            ticks: ticks(span, window, wall),
            items: seen.iter().map(|incident| item(incident, window, wall)).collect(),
        }
    }
}

/// What the picture shows of time.
#[derive(Debug, Clone, Copy)]
struct Window {
    begin: Timestamp,
    end: Timestamp,
}

impl Window {
    /// What is over before the picture begins is not in it; what began before is cut.
    fn clip(self, incident: Incident) -> Option<Incident> {
        let inside = incident.end >= self.begin && incident.begin <= self.end;
        inside.then(|| Incident { drawn: incident.begin.max(self.begin), end: incident.end.min(self.end), ..incident })
    }

    fn percent(self, length: SignedDuration) -> f64 {
        let share = length.as_secs_f64() / self.end.duration_since(self.begin).as_secs_f64();
        (share * 10_000.0).round() / 100.0
    }
}

/// Draws things of one kind as one where they lie too close together.
fn merged(incidents: Vec<Incident>, closest: SignedDuration) -> Vec<Incident> {
    let mut all: Vec<Incident> = Vec::new();
    for incident in incidents {
        let near = all.iter_mut().rev().take(ItemKind::COUNT).find(|other| other.kind == incident.kind);
        match near {
            Some(other) if incident.drawn.duration_since(other.drawn) < closest => other.absorb(incident),
            Some(_) | None => all.push(incident),
        }
    }
    all
}

impl ItemKind {
    const COUNT: usize = 8;
}

fn item(incident: &Incident, window: Window, wall: &WallClock) -> Item {
    Item {
        kind: incident.kind,
        left: window.percent(incident.drawn.duration_since(window.begin)),
        width: window.percent(incident.end.duration_since(incident.drawn)),
        time: words::time(incident, window.end, wall),
        day: words::day(incident, window.end, wall),
        clock: words::clock(incident, window.end, wall),
        what: words::what(incident),
        why: words::why(incident, window.end, wall),
        trace_ids: incident.trace_ids.clone(),
    }
}

fn ticks(span: HistorySpan, window: Window, wall: &WallClock) -> Vec<Tick> {
    let (round, step) = match span {
        HistorySpan::Hour => (ZonedRound::new().smallest(Unit::Minute).increment(15), 15.minutes()),
        HistorySpan::Day => (ZonedRound::new().smallest(Unit::Hour).increment(6), 6.hours()),
        HistorySpan::Week => (ZonedRound::new().smallest(Unit::Day), 1.day()),
    };
    let label = |at: &Zoned| match span {
        HistorySpan::Hour | HistorySpan::Day => wall.time(at.timestamp(), Precision::Minutes),
        HistorySpan::Week => at.strftime("%a").to_string(),
    };
    let first = wall.zoned(window.begin).round(round.mode(jiff::RoundMode::Floor));
    let next = |at: &Zoned| at.checked_add(step).ok();
    std::iter::successors(first.ok(), next)
        .skip_while(|at| at.timestamp() < window.begin)
        .take_while(|at| at.timestamp() <= window.end)
        .map(|at| Tick { label: label(&at), left: window.percent(at.timestamp().duration_since(window.begin)) })
        .collect()
}

#[cfg(test)]
mod tests;
