//! The tray as a plain value: icon, tooltip, menu. Pure functions of the status.

mod menu;

use crate::present::wall_clock::WallClock;
use std::time::Duration;

use jiff::Timestamp;

use crate::account::AccountName;
use crate::account::approval::Program;
use crate::api::status::{AccountStatus, State};
use crate::present::said::Said;
use crate::present::sentence::state_and_end;

pub use menu::MenuItem;

/// As many accounts as can be read at a glance; the window shows all.
const MOST_ACCOUNTS: usize = 10;

/// All that the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tray {
    /// The picture.
    pub icon: Icon,
    /// The tooltip's title, which some panels show alone: how things are, true for as long as the state lasts.
    pub headline: String,
    /// The tooltip's text: with several accounts a line for each.
    pub tooltip: String,
    /// The menu, top to bottom.
    pub menu: Vec<MenuItem>,
}

/// The pictures. Their shapes differ, not only their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// Every account has a valid access token.
    Valid,
    /// Refreshing fails, and the access token is still valid.
    Retrying,
    /// An access token is over.
    Expired,
    /// A person must log in.
    LoginRequired,
    /// The keychain must be unlocked.
    KeychainUnavailable,
    /// Nobody is logged in.
    SignedOut,
    /// For two seconds: the access token was copied.
    Copied,
}

impl Icon {
    /// Every picture.
    pub const ALL: [Self; 7] = [
        Self::Valid,
        Self::Retrying,
        Self::Expired,
        Self::LoginRequired,
        Self::KeychainUnavailable,
        Self::SignedOut,
        Self::Copied,
    ];

    /// The name of its files, and its icon name on the bus.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Retrying => "retrying",
            Self::Expired => "expired",
            Self::LoginRequired => "login-required",
            Self::KeychainUnavailable => "keychain-unavailable",
            Self::SignedOut => "signed-out",
            Self::Copied => "copied",
        }
    }

    /// Must the desktop draw attention to it?
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::Expired | Self::LoginRequired | Self::KeychainUnavailable => true,
            Self::Valid | Self::Retrying | Self::SignedOut | Self::Copied => false,
        }
    }
}

/// What a person can ask for in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put the access token on the clipboard.
    Copy(AccountName),
    /// The same for the default account, or the only one.
    CopyDefault,
    /// Refresh now.
    Refresh(AccountName),
    /// Open the window on the account's log-in.
    Login(AccountName),
    /// Open the window on the account.
    Show(AccountName),
    /// From now on this account is meant when none is named.
    MakeDefault(AccountName),
    /// Decide about a program that waits.
    Decide {
        /// Whose access tokens it wants.
        account: AccountName,
        /// Which.
        program: Program,
        /// May it have them?
        allow: bool,
    },
    /// Open the window.
    OpenWindow,
    /// End the agent.
    Quit,
}

/// For how long a check mark answers a copy.
pub const CHECK_MARK_FOR: Duration = Duration::from_secs(2);
/// For how long its sentence stands in tooltip and menu: long enough to open either and read.
pub const ANSWER_FOR: Duration = Duration::from_secs(10);

/// The answer to a click in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is said.
    pub said: Said,
    /// Was it given within [`CHECK_MARK_FOR`]?
    pub is_new: bool,
}

impl Tray {
    /// The tray for the accounts at `now`, in the person's time zone.
    #[must_use]
    pub fn of(accounts: &[&AccountStatus], answer: Option<&Answer>, now: Timestamp, wall: &WallClock) -> Self {
        let line = |account: &&AccountStatus| format!("{} · {}", account.name, state_and_end(account, now, wall));
        let (headline, tooltip) = match accounts {
            [] => ("Signed out".to_owned(), String::new()),
            [only] => (line(only), String::new()),
            several => (headline(several, line), at_most(MOST_ACCOUNTS, several, line)),
        };
        let usual = Self { icon: icon(accounts), headline, tooltip, menu: menu::of(accounts, now) };
        match answer {
            Some(answer) => usual.answering(answer),
            None => usual,
        }
    }

    fn answering(mut self, Answer { said, is_new }: &Answer) -> Self {
        if said.is_copied && *is_new {
            self.icon = Icon::Copied;
        }
        self.tooltip = [&said.advice, &self.headline, &self.tooltip].map(String::as_str).join("\n").trim().to_owned();
        self.headline.clone_from(&said.sentence);
        let answer = [&said.sentence, &said.advice].into_iter().filter(|line| !line.is_empty());
        let answer = answer.map(|line| MenuItem::Line(line.clone()));
        self.menu.splice(0..0, answer.chain([MenuItem::Separator]));
        self
    }
}

/// How several accounts are, in one line: the one that needs a person most, or how many are well.
fn headline(accounts: &[&AccountStatus], line: impl Fn(&&AccountStatus) -> String) -> String {
    let icon = icon(accounts);
    match accounts.iter().find(|account| icon_of(account) == icon) {
        Some(most_urgent) if icon.needs_attention() => line(most_urgent),
        _ => {
            let valid = accounts.iter().filter(|account| icon_of(account) == Icon::Valid).count();
            format!("{valid} of {} accounts valid", accounts.len())
        }
    }
}

fn at_most(most: usize, accounts: &[&AccountStatus], line: impl Fn(&&AccountStatus) -> String) -> String {
    let rest = accounts.len().saturating_sub(most);
    let first = accounts.iter().take(most).map(line);
    first.chain((rest > 0).then(|| and_more(rest))).collect::<Vec<_>>().join("\n")
}

fn and_more(rest: usize) -> String {
    format!("and {rest} more")
}

/// The picture of the account that needs a person most.
fn icon(accounts: &[&AccountStatus]) -> Icon {
    const MOST_URGENT_FIRST: [Icon; 5] =
        [Icon::LoginRequired, Icon::KeychainUnavailable, Icon::Expired, Icon::Retrying, Icon::Valid];
    let icons: Vec<Icon> = accounts.iter().copied().map(icon_of).collect();
    MOST_URGENT_FIRST.into_iter().find(|icon| icons.contains(icon)).unwrap_or(Icon::SignedOut)
}

pub(crate) fn icon_of(account: &AccountStatus) -> Icon {
    match account.state_if_retry_fails() {
        State::Valid => Icon::Valid,
        State::Refreshing if account.access_token.is_some() => Icon::Valid,
        State::Refreshing | State::Expired => Icon::Expired,
        State::Retrying => Icon::Retrying,
        State::LoginSoon | State::LoginRequired | State::ServerChanged => Icon::LoginRequired,
        State::KeychainUnavailable => Icon::KeychainUnavailable,
        State::SignedOut => Icon::SignedOut,
    }
}

pub(crate) const fn can_refresh(state: State) -> bool {
    match state {
        State::Valid | State::Retrying | State::Expired | State::KeychainUnavailable => true,
        State::Refreshing | State::LoginSoon | State::LoginRequired | State::SignedOut | State::ServerChanged => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_answered_by_a_check_mark_and_a_sentence_that_stays_longer() {
        let shown = |is_new, is_copied| {
            let said = Said { is_copied, sentence: "Copied.".to_owned(), advice: "It expires.".to_owned() };
            let tray = Tray::of(&[], Some(&Answer { said, is_new }), Timestamp::UNIX_EPOCH, &WallClock::UTC);
            assert_eq!((tray.headline.as_str(), tray.tooltip.as_str()), ("Copied.", "It expires.\nSigned out"));
            assert_eq!(tray.menu[..2], ["Copied.", "It expires."].map(|line| MenuItem::Line(line.to_owned())));
            tray.icon
        };
        assert_eq!(shown(true, true), Icon::Copied);
        assert_eq!(shown(false, true), Icon::SignedOut);
        assert_eq!(shown(true, false), Icon::SignedOut, "nothing was copied");
    }
}
