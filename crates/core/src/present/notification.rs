//! The notifications: when a person must know, and the answer to a click. Texts and buttons, as plain values.

use crate::present::wall_clock::WallClock;
use jiff::Timestamp;

use crate::account::AccountName;
use crate::account::approval::Program;
use crate::login::notice::{Notice, NoticeKind};
use crate::present::sentence::{at_local_time, local_time};

/// A notification, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Whose.
    pub account: AccountName,
    /// Which kind.
    pub kind: NoticeKind,
    /// The bold line.
    pub title: String,
    /// What happened, what it means.
    pub body: String,
    /// The buttons.
    pub buttons: Buttons,
    /// The command that does what the buttons do, for where there are none; empty when there is nothing to do.
    pub command: String,
}

/// What a notification daemon says it can do (`GetCapabilities` of the Desktop Notifications Specification 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It shows buttons, and tells which one was chosen.
    pub actions: bool,
    /// It reads the text as markup.
    pub markup: bool,
}

impl Notification {
    /// The text for a daemon with these abilities: without buttons it names the command, and where `<b>` would mean
    /// something it does not.
    #[must_use]
    pub fn text(&self, abilities: Abilities) -> String {
        let text = match self.command.as_str() {
            command if !abilities.actions && !command.is_empty() => format!("{} Run `{command}`.", self.body),
            _ => self.body.clone(),
        };
        if abilities.markup { escaped(&text) } else { text }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a person can choose in a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buttons {
    /// None: there is nothing to do.
    None,
    /// One button with this label; the notification itself does the same.
    One(&'static str),
    /// *Allow* and *Deny* for a program; the notification itself decides nothing.
    AllowOrDeny(Program),
}

impl Notice {
    /// What a person runs in place of the button.
    fn command(&self, account: &AccountName) -> String {
        match self {
            Self::LoginRequired { .. } | Self::LoginEnds { .. } => format!("evertoken login {account}"),
            Self::NotRenewed { .. } => "evertoken doctor".to_owned(),
            Self::KeychainRefused => format!("evertoken refresh {account}"),
            Self::ApprovalRequired { program, .. } => {
                format!("evertoken approve --account {account} {}", quoted(program.as_str()))
            }
            Self::Copied { .. } => String::new(),
            Self::NoTray => "evertoken open".to_owned(),
        }
    }

    /// The notification for an account at the server of this name, with times as its clock on the wall shows them.
    #[must_use]
    pub fn notification(&self, account: &AccountName, server: &str, now: Timestamp, wall: &WallClock) -> Notification {
        let body = match self {
            Self::Copied { .. } | Self::NoTray => self.text(now, wall),
            Self::LoginRequired { .. }
            | Self::LoginEnds { .. }
            | Self::NotRenewed { .. }
            | Self::KeychainRefused
            | Self::ApprovalRequired { .. } => format!("{account}: {}", self.text(now, wall)),
        };
        let (title, buttons) = match self {
            Self::LoginRequired { .. } => (format!("Log in to {server} again"), Buttons::One("Log in")),
            Self::LoginEnds { .. } => (format!("Log in to {server} soon"), Buttons::One("Log in")),
            Self::NotRenewed { .. } => (format!("{server} token not renewed"), Buttons::One("Open")),
            Self::KeychainRefused => ("Unlock your keychain".to_owned(), Buttons::One("Retry")),
            Self::ApprovalRequired { program, .. } => {
                (format!("A program wants a {server} token"), Buttons::AllowOrDeny(program.clone()))
            }
            Self::NoTray => ("Evertoken has no icon here".to_owned(), Buttons::One("Open")),
            Self::Copied { succeeded: true, .. } => ("Access token copied".to_owned(), Buttons::None),
            Self::Copied { succeeded: false, .. } => ("Access token not copied".to_owned(), Buttons::None),
        };
        let command = self.command(account);
        Notification { account: account.clone(), kind: self.kind(), title, body, buttons, command }
    }

    /// What happened and what it means.
    fn text(&self, now: Timestamp, wall: &WallClock) -> String {
        match self {
            Self::LoginRequired { expired_at, access_token_until } => {
                let what = expired_at.map_or_else(
                    || "the login has expired.".to_owned(),
                    |at| format!("the login expired {}.", at_local_time(at, now, wall)),
                );
                let token = match access_token_until {
                    Some(until) if *until > now => {
                        format!("The access token still works until {}.", local_time(*until, now, wall))
                    }
                    Some(until) => format!("The access token expired {}.", at_local_time(*until, now, wall)),
                    None => "There is no valid access token.".to_owned(),
                };
                format!("{what} {token}")
            }
            Self::LoginEnds { at } => {
                format!("the login expires {}. Log in before then to stay logged in.", at_local_time(*at, now, wall))
            }
            Self::NotRenewed { cause, since, access_token_until } => {
                let verb = if *access_token_until > now { "expires" } else { "expired" };
                let (since, until) = (local_time(*since, now, wall), at_local_time(*access_token_until, now, wall));
                format!("{cause} since {since}. The access token {verb} {until}.")
            }
            Self::KeychainRefused => "the new login is only in memory until the keychain accepts it.".to_owned(),
            Self::ApprovalRequired { program, not_kept } => {
                let asks = format!("{program} asks for access tokens for the first time.");
                match not_kept {
                    Some(why) => format!("{asks} Your answer could not be kept. {why}"),
                    None => asks,
                }
            }
            Self::Copied { text, .. } => text.clone(),
            Self::NoTray => NO_TRAY.to_owned(),
        }
    }
}

const NO_TRAY: &str = "This desktop shows no tray icons. On GNOME, install the extension AppIndicator \
    (gnome-shell-extension-appindicator) and log in to the desktop again. Until then, find Evertoken among your \
    applications; a right click there copies the token.";

/// An argument as a shell takes it whole.
fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,=".contains(c);
    if argument.chars().all(is_plain) { argument.to_owned() } else { format!("'{}'", argument.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn body(notice: &Notice) -> String {
        notice.notification(&"Production".parse().unwrap(), "Vault", at("2026-11-23T12:40:00Z"), &WallClock::UTC).body
    }

    #[test]
    fn a_person_reads_what_happened_and_until_when_the_token_works() {
        let notice = Notice::LoginRequired {
            expired_at: Some(at("2025-01-01T00:00:00Z")),
            access_token_until: Some(at("2026-11-23T14:32:00Z")),
        };
        assert_eq!(
            body(&notice),
            "Production: the login expired on 1 Jan 2025 at 00:00. The access token still works until 14:32."
        );
        let notice = Notice::LoginEnds { at: at("2026-11-24T14:32:00Z") };
        assert_eq!(
            body(&notice),
            "Production: the login expires on 24 Nov at 14:32. Log in before then to stay logged in."
        );
        let elsewhere =
            notice.notification(&"a".parse().unwrap(), "i.example", at("2026-11-23T12:40:00Z"), &WallClock::UTC);
        assert_eq!(elsewhere.title, "Log in to i.example soon");
        let notice = Notice::NotRenewed {
            cause: "no connection".to_owned(),
            since: at("2026-11-23T12:10:00Z"),
            access_token_until: at("2026-11-23T14:32:00Z"),
        };
        assert_eq!(body(&notice), "Production: no connection since 12:10. The access token expires at 14:32.");
        assert_eq!(
            body(&Notice::KeychainRefused),
            "Production: the new login is only in memory until the keychain accepts it."
        );
    }

    #[test]
    fn a_sentence_about_the_access_token_is_replaced_by_one_that_is_true_when_it_has_expired() {
        let expired = Some(at("2026-11-23T12:32:00Z"));
        let notice = Notice::LoginRequired { expired_at: None, access_token_until: expired };
        assert_eq!(body(&notice), "Production: the login has expired. The access token expired at 12:32.");
    }

    #[test]
    fn what_a_program_is_called_commands_neither_the_notification_nor_the_shell() {
        let program = Program::new("/tmp/<b>&'x");
        let notice = Notice::ApprovalRequired { program, not_kept: None };
        let shown = notice.notification(&"a".parse().unwrap(), "Vault", at("2026-11-23T12:40:00Z"), &WallClock::UTC);
        assert_eq!(
            shown.text(Abilities { actions: true, markup: true }),
            "a: /tmp/&lt;b&gt;&amp;'x asks for access tokens for the first time."
        );
        assert_eq!(
            shown.text(Abilities { actions: false, markup: false }),
            "a: /tmp/<b>&'x asks for access tokens for the first time. \
             Run `evertoken approve --account a '/tmp/<b>&'\\''x'`."
        );
    }
}
