//! The sentences people read about an account: in the tray, the window and the terminal.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::duration::in_words;
use crate::status::{AccountStatus, State};

/// An instant as the clock on the wall shows it: "14:32" today, "24 Nov, 14:32" on another day.
#[must_use]
pub fn local_time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let at = at.to_zoned(zone.clone());
    let today = now.to_zoned(zone.clone()).date();
    let format = if at.date() == today { "%H:%M" } else { "%-d %b, %H:%M" };
    at.strftime(format).to_string()
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
    }
}

/// "valid, 23 h 12 m left": the state and how long the access token still lasts.
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
pub fn state_and_end(account: &AccountStatus, now: Timestamp, zone: &TimeZone) -> String {
    let state = state_in_words(account.state);
    match &account.access_token {
        Some(token) if token.expires_at > now => {
            format!("{state} until {}", local_time(token.expires_at, now, zone))
        }
        Some(_) | None => state.to_owned(),
    }
}

/// How long the access token still lasts; `None` when there is none.
#[must_use]
pub fn time_left(account: &AccountStatus, now: Timestamp) -> Option<SignedDuration> {
    let left = account.access_token.as_ref()?.expires_at.duration_since(now);
    left.is_positive().then_some(left)
}
