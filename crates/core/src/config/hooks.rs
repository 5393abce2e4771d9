//! A person's own programs, run when something happened to a login.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::api::status::State;

/// `[hooks]` in `config.toml`: each a program and its arguments. No shell is in between. They are in the file alone: no
/// call of the local API changes what is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// A person must log in: no access token is left.
    pub on_login_required: Vec<String>,
    /// A person must log in, and the access token at hand still works for a while.
    pub on_login_soon: Vec<String>,
    /// There is a new access token.
    pub on_refreshed: Vec<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookEvent {
    /// See [`Hooks::on_login_required`].
    LoginRequired,
    /// See [`Hooks::on_login_soon`].
    LoginSoon,
    /// See [`Hooks::on_refreshed`].
    Refreshed,
}

impl HookEvent {
    /// What a session's step means: states before and after it, and whether it brought a new access token.
    #[must_use]
    pub fn of(before: State, after: State, is_refreshed: bool) -> Option<Self> {
        match after {
            _ if is_refreshed => Some(Self::Refreshed),
            State::LoginRequired if before != after => Some(Self::LoginRequired),
            State::LoginSoon if before != after => Some(Self::LoginSoon),
            State::Valid
            | State::Refreshing
            | State::Retrying
            | State::Expired
            | State::LoginSoon
            | State::LoginRequired
            | State::KeychainUnavailable
            | State::SignedOut
            | State::ServerChanged => None,
        }
    }

    /// The name that the program finds in `EVERTOKEN_EVENT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoginRequired => "login-required",
            Self::LoginSoon => "login-soon",
            Self::Refreshed => "refreshed",
        }
    }

    /// What the program is told, never a token.
    #[must_use]
    pub fn variables(self, account: &AccountName, expires_at: Option<Timestamp>) -> Vec<(&'static str, String)> {
        let expires_at = expires_at.map(|at| ("EVERTOKEN_EXPIRES_AT", at.to_string()));
        let always = [("EVERTOKEN_ACCOUNT", account.to_string()), ("EVERTOKEN_EVENT", self.name().to_owned())];
        always.into_iter().chain(expires_at).collect()
    }
}

impl Hooks {
    /// The program and its arguments; empty where a person wants none.
    #[must_use]
    pub fn command(&self, event: HookEvent) -> &[String] {
        match event {
            HookEvent::LoginRequired => &self.on_login_required,
            HookEvent::LoginSoon => &self.on_login_soon,
            HookEvent::Refreshed => &self.on_refreshed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once() {
        use State::{Expired, LoginRequired, LoginSoon, Refreshing, Valid};
        for (before, after, is_refreshed, event) in [
            (Refreshing, Valid, true, Some(HookEvent::Refreshed)),
            (LoginRequired, Valid, true, Some(HookEvent::Refreshed)),
            (Refreshing, Valid, false, None),
            (Refreshing, LoginSoon, false, Some(HookEvent::LoginSoon)),
            (LoginSoon, LoginSoon, false, None),
            (LoginSoon, LoginRequired, false, Some(HookEvent::LoginRequired)),
            (LoginRequired, LoginRequired, false, None),
            (Valid, Expired, false, None),
        ] {
            assert_eq!(HookEvent::of(before, after, is_refreshed), event, "{before:?} -> {after:?}");
        }
    }
}
