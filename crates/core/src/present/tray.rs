//! The tray as a plain value: icon, tooltip, menu. Pure functions of the status.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::account::AccountName;
use crate::api::status::{AccountStatus, State};
use crate::present::sentence::{state_and_end, state_and_time_left};

/// All that the tray shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tray {
    /// The picture.
    pub icon: Icon,
    /// One line an account, true for as long as the state lasts.
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
}

impl Icon {
    /// Every picture.
    pub const ALL: [Self; 6] =
        [Self::Valid, Self::Retrying, Self::Expired, Self::LoginRequired, Self::KeychainUnavailable, Self::SignedOut];

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
        }
    }

    /// Must the desktop draw attention to it?
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::Expired | Self::LoginRequired | Self::KeychainUnavailable => true,
            Self::Valid | Self::Retrying | Self::SignedOut => false,
        }
    }
}

/// A line of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MenuItem {
    /// Text that cannot be chosen.
    Line(String),
    /// Something to do.
    Item {
        /// Its text.
        label: String,
        /// Can it be chosen now?
        enabled: bool,
        /// What it does.
        action: Action,
    },
    /// A menu beside the menu.
    Submenu {
        /// Its text.
        label: String,
        /// Its lines.
        items: Vec<MenuItem>,
    },
    /// A line between groups.
    Separator,
}

/// What a person can ask for in the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Put the access token on the clipboard.
    Copy(AccountName),
    /// Refresh now.
    Refresh(AccountName),
    /// Open the window on the account's log-in.
    Login(AccountName),
    /// Open the window.
    OpenWindow,
    /// End the agent.
    Quit,
}

impl Tray {
    /// The tray for the accounts at `now`, in the person's time zone.
    #[must_use]
    pub fn of(accounts: &[&AccountStatus], now: Timestamp, zone: &TimeZone) -> Self {
        Self {
            icon: icon(accounts),
            tooltip: lines(accounts, |account| state_and_end(account, now, zone)).join("\n"),
            menu: menu(accounts, now),
        }
    }
}

fn lines(accounts: &[&AccountStatus], text: impl Fn(&AccountStatus) -> String) -> Vec<String> {
    if accounts.is_empty() {
        return vec!["Signed out".to_owned()];
    }
    accounts.iter().map(|account| format!("{} · {}", account.name, text(account))).collect()
}

/// The picture of the account that needs a person most.
fn icon(accounts: &[&AccountStatus]) -> Icon {
    const MOST_URGENT_FIRST: [Icon; 5] =
        [Icon::LoginRequired, Icon::KeychainUnavailable, Icon::Expired, Icon::Retrying, Icon::Valid];
    let icons: Vec<Icon> = accounts.iter().copied().map(icon_of).collect();
    MOST_URGENT_FIRST.into_iter().find(|icon| icons.contains(icon)).unwrap_or(Icon::SignedOut)
}

pub(crate) fn icon_of(account: &AccountStatus) -> Icon {
    match account.state {
        State::Valid => Icon::Valid,
        State::Refreshing if account.access_token.is_some() => Icon::Valid,
        State::Refreshing | State::Expired => Icon::Expired,
        State::Retrying => Icon::Retrying,
        State::LoginSoon | State::LoginRequired | State::ServerChanged => Icon::LoginRequired,
        State::KeychainUnavailable => Icon::KeychainUnavailable,
        State::SignedOut => Icon::SignedOut,
    }
}

fn menu(accounts: &[&AccountStatus], now: Timestamp) -> Vec<MenuItem> {
    let mut menu: Vec<MenuItem> =
        lines(accounts, |account| state_and_time_left(account, now)).into_iter().map(MenuItem::Line).collect();
    menu.push(MenuItem::Separator);
    menu.push(for_each_account("Copy access token", accounts, |account| {
        (account.access_token.is_some(), Action::Copy(account.name.clone()))
    }));
    menu.push(for_each_account("Refresh now", accounts, |account| {
        (can_refresh(account.state), Action::Refresh(account.name.clone()))
    }));
    menu.extend(accounts.iter().filter(|account| account.state.requires_authorization()).map(|account| {
        let label = match accounts.len() {
            1 => "Log in again…".to_owned(),
            _ => format!("Log in to {} again…", account.name),
        };
        MenuItem::Item { label, enabled: true, action: Action::Login(account.name.clone()) }
    }));
    menu.push(MenuItem::Separator);
    menu.push(MenuItem::Item { label: "Open Evertoken".to_owned(), enabled: true, action: Action::OpenWindow });
    menu.push(MenuItem::Item { label: "Quit".to_owned(), enabled: true, action: Action::Quit });
    menu
}

pub(crate) const fn can_refresh(state: State) -> bool {
    match state {
        State::Valid | State::Retrying | State::Expired | State::KeychainUnavailable => true,
        State::Refreshing | State::LoginSoon | State::LoginRequired | State::SignedOut | State::ServerChanged => false,
    }
}

/// One item for one account, a submenu for several.
fn for_each_account(
    label: &str,
    accounts: &[&AccountStatus],
    choice: impl Fn(&AccountStatus) -> (bool, Action),
) -> MenuItem {
    let item = |label: String, account: &AccountStatus| {
        let (enabled, action) = choice(account);
        MenuItem::Item { label, enabled, action }
    };
    match accounts {
        [] => MenuItem::Line(label.to_owned()),
        [only] => item(label.to_owned(), only),
        several => MenuItem::Submenu {
            label: label.to_owned(),
            items: several.iter().map(|account| item(account.name.to_string(), account)).collect(),
        },
    }
}
