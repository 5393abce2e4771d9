//! The three notifications: when a person must know. Texts and buttons, as plain values.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::account::AccountName;
use crate::account::approval::Program;
use crate::login::notice::{Notice, NoticeKind};
use crate::present::sentence::{full_date, local_time};

/// A notification, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Whose.
    pub account: AccountName,
    /// Which kind.
    pub kind: NoticeKind,
    /// The bold line.
    pub title: &'static str,
    /// What happened, what it means.
    pub body: String,
    /// The buttons.
    pub buttons: Buttons,
}

/// What a person can choose in a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buttons {
    /// One button with this label; the notification itself does the same.
    One(&'static str),
    /// *Allow* and *Deny* for a program; the notification itself decides nothing.
    AllowOrDeny(Program),
}

impl Notice {
    /// The notification for an account, with times as its clock on the wall shows them.
    #[must_use]
    pub fn notification(&self, account: &AccountName, now: Timestamp, zone: &TimeZone) -> Notification {
        let (title, buttons, text) = match self {
            Self::LoginRequired { expired_at, access_token_until } => {
                let what = expired_at.map_or_else(
                    || "the login is over.".to_owned(),
                    |at| format!("the login expired on {}.", full_date(at, zone)),
                );
                let meanwhile = access_token_until.filter(|until| *until > now).map_or_else(
                    || "There is no valid access token.".to_owned(),
                    |until| format!("The access token still works until {}.", local_time(until, now, zone)),
                );
                ("Log in to Vault again", Buttons::One("Log in"), format!("{what} {meanwhile}"))
            }
            Self::NotRenewed { cause, since, access_token_until } => {
                let verb = if *access_token_until > now { "ends" } else { "ended" };
                let text = format!(
                    "{cause} since {}. The access token {verb} at {}.",
                    local_time(*since, now, zone),
                    local_time(*access_token_until, now, zone)
                );
                ("Vault token not renewed", Buttons::One("Open"), text)
            }
            Self::KeychainRefused => (
                "Unlock your keychain",
                Buttons::One("Retry"),
                "the new login is only in memory until the keychain accepts it.".to_owned(),
            ),
            Self::ApprovalRequired { program } => (
                "A program wants a Vault token",
                Buttons::AllowOrDeny(program.clone()),
                format!("{program} asks for access tokens for the first time."),
            ),
        };
        Notification { account: account.clone(), kind: self.kind(), title, body: format!("{account}: {text}"), buttons }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn body(notice: &Notice) -> String {
        notice.notification(&"Production".parse().unwrap(), at("2026-11-23T12:40:00Z"), &TimeZone::UTC).body
    }

    #[test]
    fn a_person_reads_what_happened_and_until_when_the_token_works() {
        let notice = Notice::LoginRequired {
            expired_at: Some(at("2025-01-01T00:00:00Z")),
            access_token_until: Some(at("2026-11-23T14:32:00Z")),
        };
        assert_eq!(
            body(&notice),
            "Production: the login expired on 1 Jan 2025, 00:00. The access token still works until 14:32."
        );
        let notice = Notice::NotRenewed {
            cause: "no connection".to_owned(),
            since: at("2026-11-23T12:10:00Z"),
            access_token_until: at("2026-11-23T14:32:00Z"),
        };
        assert_eq!(body(&notice), "Production: no connection since 12:10. The access token ends at 14:32.");
        assert_eq!(
            body(&Notice::KeychainRefused),
            "Production: the new login is only in memory until the keychain accepts it."
        );
    }
}
