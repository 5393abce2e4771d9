//! The sentences people read about an account: in the tray, the window and the terminal.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::api::status::{AccountStatus, State};
use crate::config::duration::in_words;

/// An instant as the clock on the wall shows it: "14:32" today, "24 Nov, 14:32" on another day, "14:32:07" when
/// minutes would say too little.
#[must_use]
pub fn local_time(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    /// Within this many seconds of now, minutes say too little.
    const CLOSE: i64 = 120;
    let is_close = at.duration_since(now).as_secs().abs() < CLOSE;
    let at = at.to_zoned(zone.clone());
    let is_today = at.date() == now.to_zoned(zone.clone()).date();
    let format = match (is_today, is_close) {
        (_, true) => "%H:%M:%S",
        (true, false) => "%H:%M",
        (false, false) => "%-d %b, %H:%M",
    };
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
        State::ServerChanged => "server changed",
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
    let end = account.access_token.as_ref().filter(|token| token.expires_at > now);
    match end.map(|token| local_time(token.expires_at, now, zone)) {
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

/// A cause that may stand in the middle of other sentences, as a sentence of its own.
#[must_use]
pub fn as_sentence(cause: &str) -> String {
    let cause = cause.trim();
    let mut letters = cause.chars();
    let start: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if cause.is_empty() || cause.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{}{stop}", letters.as_str())
}
