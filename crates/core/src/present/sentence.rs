//! The sentences people read about an account: in the tray, the window and the terminal.

use crate::present::wall_clock::{Precision, WallClock};
use jiff::{SignedDuration, Timestamp};

use crate::api::status::{AccountStatus, State};
use crate::config::duration::in_words;
use crate::login::policy::Policy;

/// An instant as the clock on the wall shows it: "14:32" today, "24 Nov, 14:32" on another day, "14:32:07" when
/// minutes would say too little.
#[must_use]
pub fn local_time(at: Timestamp, now: Timestamp, wall: &WallClock) -> String {
    let time = clock_time(at, now, wall);
    other_day(at, now, wall).map_or_else(|| time.clone(), |day| format!("{day}, {time}"))
}

/// The same within a sentence: "at 14:32", "on 24 Nov at 14:32".
#[must_use]
pub fn at_local_time(at: Timestamp, now: Timestamp, wall: &WallClock) -> String {
    let time = clock_time(at, now, wall);
    other_day(at, now, wall).map_or_else(|| format!("at {time}"), |day| format!("on {day} at {time}"))
}

fn clock_time(at: Timestamp, now: Timestamp, wall: &WallClock) -> String {
    wall.time(at, if is_near(at, now) { Precision::Seconds } else { Precision::Minutes })
}

/// The day, unless it is today or the instant is close enough without.
fn other_day(at: Timestamp, now: Timestamp, wall: &WallClock) -> Option<String> {
    let (day, today) = (wall.date(at), wall.date(now));
    if day == today || is_near(at, now) {
        None
    } else if day.year() == today.year() {
        Some(wall.day(at))
    } else {
        Some(wall.day_of_year(at))
    }
}

fn is_near(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now).abs() <= NEAR
}

/// So close to now, minutes say too little.
pub const NEAR: SignedDuration = SignedDuration::from_secs(120);

/// A sentence whose instants, which the agent writes as RFC 3339 in UTC, are told as the clock on the wall shows them.
#[must_use]
pub fn with_local_times(sentence: &str, now: Timestamp, wall: &WallClock) -> String {
    let mut told = String::new();
    for word in sentence.split_inclusive(|c: char| c.is_whitespace() || c == '(') {
        let bare = word.trim_end_matches(|c: char| c.is_whitespace() || ".,;:)(".contains(c));
        match bare.parse::<Timestamp>() {
            Ok(at) if bare.ends_with('Z') => {
                let local = if [" on ", " at "].iter().any(|preposition| told.ends_with(preposition)) {
                    told.truncate(told.len() - "on ".len());
                    at_local_time(at, now, wall)
                } else {
                    local_time(at, now, wall)
                };
                told.push_str(&local);
                told.push_str(&word[bare.len()..]);
            }
            Ok(_) | Err(_) => told.push_str(word),
        }
    }
    told
}

/// The state in two or three words.
#[must_use]
pub const fn state_in_words(state: State) -> &'static str {
    match state {
        State::Valid => "valid",
        State::Refreshing => "refreshing",
        State::Retrying => "valid, not renewed",
        State::Expired => "expired, retrying",
        State::LoginSoon => "log in soon",
        State::LoginRequired => "log in again",
        State::KeychainUnavailable => "keychain unavailable",
        State::SignedOut => "signed out",
        State::ServerChanged => "server changed",
    }
}

/// "valid, 23 h 12 min left": the state and how long the access token still lasts.
#[must_use]
pub fn state_and_time_left(account: &AccountStatus, now: Timestamp) -> String {
    let state = state_in_words(account.state);
    match time_left(account, now) {
        Some(left) => format!("{state}, {} left", in_words(left)),
        None => state.to_owned(),
    }
}

/// "valid until 14:32": the state and when the access token ends; true for as long as the state lasts.
#[must_use]
pub fn state_and_end(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> String {
    let state = state_in_words(account.state);
    let end = account.access_token.as_ref().filter(|token| token.expires_at > now);
    match end.map(|token| local_time(token.expires_at, now, wall)) {
        Some(end) if account.state == State::LoginSoon => format!("log in before {end}"),
        Some(end) => format!("{state} until {end}"),
        None => state.to_owned(),
    }
}

/// How long the access token still lasts; `None` when there is none.
#[must_use]
pub fn time_left(account: &AccountStatus, now: Timestamp) -> Option<SignedDuration> {
    let left = account.access_token.as_ref()?.expires_at.duration_since(now);
    left.is_positive().then_some(left)
}

/// Why a person who asked for a refresh got none: the access token is too young for another one.
#[must_use]
pub fn not_refreshed(account: &AccountStatus, now: Timestamp) -> String {
    let name = &account.name;
    let Some(token) = &account.access_token else { return format!("{name}: nothing was refreshed.") };
    let age = now.duration_since(token.issued_at).max(SignedDuration::ZERO);
    let spacing = Policy::default().grant_spacing(token.expires_at.duration_since(token.issued_at));
    let wait = (spacing - age).max(SignedDuration::from_secs(1));
    format!(
        "{name}: not refreshed, because the access token came {} ago. It can be refreshed again in {}.",
        in_words(age),
        in_words(wait)
    )
}

/// A cause that may stand in the middle of other sentences, as a sentence of its own.
#[must_use]
pub fn as_sentence(cause: &str) -> String {
    let cause = cause.trim();
    let mut letters = cause.chars();
    let start: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if cause.is_empty() || cause.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn instants_in_sentences_are_told_in_the_persons_own_time() {
        let wall = WallClock::in_zone(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        let local = |sentence: &str| with_local_times(sentence, now, &wall);
        assert_eq!(local("the login expired on 2024-12-31T23:00:00Z."), "the login expired on 1 Jan 2025 at 00:00.");
        assert_eq!(local("tries again at 2026-11-22T08:00:42Z; wait"), "tries again at 09:00:42; wait");
        assert_eq!(
            local("expired at 2024-12-31T23:00:00Z, (2026-11-21T08:00:00Z)"),
            "expired on 1 Jan 2025 at 00:00, (21 Nov, 09:00)"
        );
        assert_eq!(local("the expiration 2026-11-21T08:00:00Z"), "the expiration 21 Nov, 09:00", "not \"expirati on\"");
        for same in ["", "no instant  at all\n", "2026-11-22", "error 2026-11-22T08:00:00+01:00", "Z. Zürich"] {
            assert_eq!(local(same), same);
        }
    }
}
