//! One account's card.

use crate::present::wall_clock::WallClock;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::status::{AccountStatus, State};
use crate::config::duration::{in_words, reads_the_same_for};
use crate::login::policy::Policy;
use crate::oauth::endpoint::Endpoint;
use crate::oauth::server::SignInMethod;
use crate::present::sentence::{
    NEAR, as_sentence, local_time, state_and_end, state_and_time_left, state_in_words, time_left, with_local_times,
};
use crate::present::tray::{can_refresh, icon_of};

/// All that a card shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Card {
    /// The account's name.
    pub name: String,
    /// Is it the one that is meant when no account is named?
    pub default: bool,
    /// The state's stable name.
    #[cfg_attr(feature = "typescript", ts(type = "State"))]
    pub state: State,
    /// The name of the state's picture.
    pub picture: &'static str,
    /// The state in two or three words.
    pub state_words: String,
    /// The whole card in a line: "valid, 23 h 12 min left".
    pub line: String,
    /// What the state means for the person, in a sentence.
    pub headline: String,
    /// How long the access token still lasts: "23 h 12 min", or one word when there is none.
    pub expires_in: String,
    /// When it ends: "left, until 14:32".
    pub end: String,
    /// When it is refreshed: "next refresh 02:00".
    pub next_refresh: String,
    /// Why it does not go well; empty while it does.
    pub message: String,
    /// What the access token may do: "17 scopes".
    pub scope_count: String,
    /// What the access token may do, one entry a scope.
    pub scope: Vec<String>,
    /// The user that the endpoint says the login belongs to; empty when it did not say.
    pub user_id: String,
    /// The server where its tokens are refreshed.
    pub host: String,
    /// The whole address there.
    pub endpoint: String,
    /// The part of the access token's life that is left, 0 to 1.
    pub life_left: f64,
    /// The part that will be left at the next refresh, 0 to 1; `None` when none is planned before the end.
    pub life_left_at_refresh: Option<f64>,
    /// What can be done, in the order of the page.
    pub buttons: Vec<Button>,
    /// The log-in's heading.
    pub login_title: String,
    /// How a person can log in, other than with a refresh token.
    pub sign_in: Vec<SignInMethod>,
    /// What is asked before the tokens are forgotten, or the account is.
    pub farewell: String,
    /// What a screen reader says when the state has changed.
    pub announcement: String,
}

/// A button of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Button {
    /// What it does.
    pub action: ButtonAction,
    /// Its text.
    pub label: &'static str,
    /// Can it be pressed now?
    pub enabled: bool,
    /// Is it the one that helps most?
    pub primary: bool,
}

/// What a button of a card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ButtonAction {
    /// Put the access token on the clipboard.
    Copy,
    /// Refresh now.
    Refresh,
    /// Open the log-in.
    LoginAgain,
    /// Forget the tokens.
    Logout,
    /// Forget the account.
    Remove,
}

impl Card {
    /// The card of an account at `now`, in the person's time zone.
    #[must_use]
    pub fn of(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> Self {
        let name = &account.name;
        let signed_out = account.state == State::SignedOut;
        Self {
            name: name.to_string(),
            default: account.default,
            state: account.state,
            picture: icon_of(account).name(),
            state_words: state_in_words(account.state).to_owned(),
            line: line(account, now),
            headline: headline(account, now, wall),
            expires_in: time_left(account, now)
                .map_or_else(|| absent(account).to_owned(), |left| left_in_words(account, left)),
            end: end(account, now, wall),
            next_refresh: next_refresh(account, now, wall),
            message: message(account, now, wall),
            scope_count: match account.scope.len() {
                0 => "no scopes".to_owned(),
                1 => "1 scope".to_owned(),
                several => format!("{several} scopes"),
            },
            scope: account.scope.clone(),
            user_id: account.user_id.clone().unwrap_or_default(),
            host: account
                .endpoint
                .parse::<Endpoint>()
                .map_or_else(|_| account.endpoint.clone(), |it| it.host().to_owned()),
            endpoint: account.endpoint.clone(),
            life_left: time_left(account, now).map_or(0.0, |left| life_left(account, left)),
            life_left_at_refresh: life_left_at_refresh(account, now),
            buttons: buttons(account, now),
            login_title: if signed_out { format!("Log in to {name}") } else { format!("Log in to {name} again") },
            sign_in: account.sign_in.clone(),
            farewell: farewell(account),
            announcement: format!("{name}: {}", state_and_end(account, now, wall)),
        }
    }
}

/// How long a card reads the same; `None` when time alone does not change it.
pub(super) fn next_change(account: &AccountStatus, now: Timestamp) -> Option<SignedDuration> {
    let is_brief = is_brief(account);
    let left = time_left(account, now).map(|left| if is_brief { left } else { reads_the_same_for(left) });
    // Instants get their seconds when they are near, and a refresh that is due is said to be.
    let until =
        |at: Timestamp, near: SignedDuration| Some(at.duration_since(now) - near).filter(SignedDuration::is_positive);
    let end = account.access_token.as_ref().and_then(|token| until(token.expires_at, NEAR));
    let refresh =
        account.refresh.next_at.and_then(|at| until(at, NEAR).or_else(|| until(at, A_SECOND).filter(|_| !is_brief)));
    [left, end, refresh].into_iter().flatten().map(|change| change.max(A_MILLISECOND)).min()
}

/// Does the card say how many seconds are left?
pub(super) fn counts_seconds(account: &AccountStatus, now: Timestamp) -> bool {
    !is_brief(account) && time_left(account, now).is_some_and(|left| left < A_MINUTE)
}

/// A token that lives no longer than this is refreshed again and again: its seconds are not counted down, because each would
/// be drawn.
const BRIEF: SignedDuration = SignedDuration::from_secs(60);

fn is_brief(account: &AccountStatus) -> bool {
    account.access_token.as_ref().is_some_and(|token| token.expires_at.duration_since(token.issued_at) <= BRIEF)
}

fn left_in_words(account: &AccountStatus, left: SignedDuration) -> String {
    if is_brief(account) { "Under 1 min".to_owned() } else { in_words(left) }
}

/// The ring of such a token stands still, as its text does.
fn life_left(account: &AccountStatus, left: SignedDuration) -> f64 {
    if is_brief(account) { 1.0 } else { part_of_life(account, left).unwrap_or_default() }
}

fn line(account: &AccountStatus, now: Timestamp) -> String {
    match time_left(account, now) {
        Some(_) if is_brief(account) => format!("{}, under 1 min left", state_in_words(account.state)),
        _ => state_and_time_left(account, now),
    }
}

const A_MINUTE: SignedDuration = SignedDuration::from_secs(60);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);
const A_MILLISECOND: SignedDuration = SignedDuration::from_millis(1);
/// The ring is so many CSS pixels around: what moves its end by less is not seen, and not drawn.
const RING: f64 = 288.0;

fn headline(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> String {
    let end = account.access_token.as_ref().map(|token| local_time(token.expires_at, now, wall));
    let works = time_left(account, now).is_some();
    match (account.state, end) {
        (State::Valid, _) => account.login.before.map_or_else(
            || "Nothing to do: the login stays fresh by itself.".to_owned(),
            |before| {
                let log_in = format!("Log in again before {}.", local_time(before, now, wall));
                let is_soon = before.duration_since(now) <= Policy::default().warn_before_login_ends;
                if is_soon { log_in } else { format!("Nothing to do now. {log_in}") }
            },
        ),
        (State::Refreshing, _) if works => "A new access token is on its way. The current one still works.".to_owned(),
        (State::Refreshing, _) => "An access token is on its way.".to_owned(),
        (State::Retrying, Some(end)) => {
            format!("Can’t refresh right now. The access token works until {end}.")
        }
        (State::Retrying, None) => "Can’t refresh right now.".to_owned(),
        (State::Expired, _) => {
            "The access token has expired and refreshing keeps failing. Evertoken keeps trying.".to_owned()
        }
        (State::LoginSoon, Some(end)) => format!("Log in again before {end}: the access token works until then."),
        (State::LoginSoon, None) | (State::LoginRequired, _) => "Log in again to get a new access token.".to_owned(),
        (State::KeychainUnavailable, _) => {
            "Unlock your keychain. The login is safe, but Evertoken cannot reach it.".to_owned()
        }
        (State::SignedOut, _) => "Log in to get an access token.".to_owned(),
        (State::ServerChanged, _) => {
            "This login belongs to a different server than the account names. Log in there, or change the server back."
                .to_owned()
        }
    }
}

/// What stands where the time left would, in a word.
const fn absent(account: &AccountStatus) -> &'static str {
    match account.state {
        State::Expired | State::LoginRequired | State::LoginSoon | State::Retrying | State::Valid => "Expired",
        State::Refreshing | State::KeychainUnavailable if account.access_token.is_some() => "Expired",
        State::Refreshing | State::KeychainUnavailable | State::SignedOut | State::ServerChanged => "No token",
    }
}

fn end(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> String {
    match &account.access_token {
        Some(token) if token.expires_at > now => {
            format!("left, until {}", local_time(token.expires_at, now, wall))
        }
        Some(token) => format!("since {}", local_time(token.expires_at, now, wall)),
        None => "no access token".to_owned(),
    }
}

fn next_refresh(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> String {
    let what = match account.state {
        State::Valid => "next refresh",
        State::Retrying | State::Expired | State::KeychainUnavailable => "next try",
        State::Refreshing => return "refreshing now".to_owned(),
        State::LoginSoon | State::LoginRequired | State::SignedOut | State::ServerChanged => {
            return "no refresh before you log in".to_owned();
        }
    };
    match account.refresh.next_at {
        Some(at) if at.duration_since(now).as_secs() < 1 => format!("{what} now"),
        Some(at) => format!("{what} {}", local_time(at, now, wall)),
        None if account.state == State::KeychainUnavailable => "next try when it is unlocked".to_owned(),
        None => format!("no {what} planned"),
    }
}

fn message(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> String {
    let refresh = &account.refresh;
    let told = |cause: &str| with_local_times(&as_sentence(cause), now, wall);
    match account.state_if_retry_fails() {
        State::Valid | State::Refreshing | State::SignedOut => String::new(),
        State::LoginSoon | State::LoginRequired | State::ServerChanged => {
            account.login.reason.as_deref().map(&told).unwrap_or_default()
        }
        State::Retrying | State::Expired | State::KeychainUnavailable => {
            let cause = refresh.last_error.as_deref().map(told);
            let since = refresh.failing_since.map(|since| match refresh.failures {
                0 | 1 => format!("Since {}.", local_time(since, now, wall)),
                failures => format!("Since {}, {failures} tries.", local_time(since, now, wall)),
            });
            cause.into_iter().chain(since).collect::<Vec<_>>().join(" ")
        }
    }
}

fn farewell(account: &AccountStatus) -> String {
    match account.state {
        State::SignedOut => format!("Remove {}? Its settings and its history are forgotten.", account.name),
        State::Valid
        | State::Refreshing
        | State::Retrying
        | State::Expired
        | State::LoginSoon
        | State::LoginRequired
        | State::ServerChanged
        | State::KeychainUnavailable => {
            let name = &account.name;
            let again = if account.sign_in.is_empty() { "you need a new refresh token" } else { "you have to sign in" };
            format!("Log out of {name}? Its tokens are forgotten on this machine. To get access tokens again {again}.")
        }
    }
}

fn life_left_at_refresh(account: &AccountStatus, now: Timestamp) -> Option<f64> {
    if account.state != State::Valid {
        return None;
    }
    let token = account.access_token.as_ref().filter(|token| token.expires_at > now)?;
    let next = account.refresh.next_at.filter(|next| *next < token.expires_at)?;
    part_of_life(account, token.expires_at.duration_since(next))
}

fn part_of_life(account: &AccountStatus, left: SignedDuration) -> Option<f64> {
    let token = account.access_token.as_ref()?;
    let life = token.expires_at.duration_since(token.issued_at);
    let part = || (left.as_secs_f64() / life.as_secs_f64()).clamp(0.0, 1.0);
    life.is_positive().then(|| (part() * RING).round() / RING)
}

fn buttons(account: &AccountStatus, now: Timestamp) -> Vec<Button> {
    let state = account.state;
    let best = best(state);
    let button = |action, label, enabled| Button { action, label, enabled, primary: enabled && action == best };
    let (refresh, login, farewell) = match state {
        State::KeychainUnavailable => ("Try again", "Log in again", (ButtonAction::Logout, "Log out")),
        State::SignedOut => ("Refresh now", "Log in", (ButtonAction::Remove, "Remove")),
        State::Valid
        | State::Refreshing
        | State::Retrying
        | State::Expired
        | State::LoginSoon
        | State::LoginRequired
        | State::ServerChanged => ("Refresh now", "Log in again", (ButtonAction::Logout, "Log out")),
    };
    vec![
        button(ButtonAction::Copy, "Copy access token", time_left(account, now).is_some()),
        button(ButtonAction::Refresh, refresh, can_refresh(state)),
        button(ButtonAction::LoginAgain, login, true),
        button(farewell.0, farewell.1, true),
    ]
}

const fn best(state: State) -> ButtonAction {
    match state {
        State::Valid | State::Refreshing | State::Retrying => ButtonAction::Copy,
        State::Expired | State::KeychainUnavailable => ButtonAction::Refresh,
        State::LoginSoon | State::LoginRequired | State::SignedOut | State::ServerChanged => ButtonAction::LoginAgain,
    }
}

#[cfg(test)]
mod tests;
