//! The tray's menu: what is needed most often first, what needs a person above it.

use jiff::Timestamp;

use super::{Action, MOST_ACCOUNTS, and_more, can_refresh};
use crate::account::approval::Program;
use crate::api::status::AccountStatus;
use crate::present::sentence::state_and_time_left;

/// More log-ins or questions than these are in the window.
const MOST_URGENT: usize = 5;

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

/// The menu for the accounts at `now`.
pub(super) fn of(accounts: &[&AccountStatus], now: Timestamp) -> Vec<MenuItem> {
    let groups = [needing_a_person(accounts), of_accounts(accounts, now), of_the_program()];
    let groups: Vec<_> = groups.into_iter().filter(|group| !group.is_empty()).collect();
    groups.join(&MenuItem::Separator)
}

/// Log-ins and questions that wait.
fn needing_a_person(accounts: &[&AccountStatus]) -> Vec<MenuItem> {
    let is_alone = accounts.len() == 1;
    let log_ins = accounts.iter().filter(|account| account.state.requires_authorization());
    let log_in = |account: &&AccountStatus| match is_alone {
        true => item("Log in again…", Action::Login(account.name.clone())),
        false => item(format!("Log in to {} again…", account.name), Action::Login(account.name.clone())),
    };
    let questions = accounts.iter().flat_map(|account| account.approvals.iter().map(move |program| (account, program)));
    let question = |(account, program): (&&AccountStatus, &Program)| {
        let decide = |allow| Action::Decide { account: account.name.clone(), program: program.clone(), allow };
        MenuItem::Submenu {
            label: format!("{program} wants a token of {}", account.name),
            items: vec![item("Allow", decide(true)), item("Deny", decide(false))],
        }
    };
    [at_most(MOST_URGENT, log_ins, log_in), at_most(MOST_URGENT, questions, question)].concat()
}

fn of_accounts(accounts: &[&AccountStatus], now: Timestamp) -> Vec<MenuItem> {
    match accounts {
        [] => vec![MenuItem::Line("Signed out".to_owned())],
        [only] => {
            let line = MenuItem::Line(format!("{} · {}", only.name, state_and_time_left(only, now)));
            [vec![copy("Copy access token".to_owned(), only), line], of_one(only)].concat()
        }
        several => {
            let default = several.iter().find(|account| account.default);
            let first = default.map(|account| copy(format!("Copy token of {}", account.name), account));
            let (urgent, calm): (Vec<_>, Vec<_>) =
                several.iter().partition(|account| account.state.requires_a_person());
            let accounts = urgent.into_iter().chain(calm);
            first.into_iter().chain(at_most(MOST_ACCOUNTS, accounts, |account| submenu(account, now))).collect()
        }
    }
}

/// A menu that is longer than the screen helps nobody.
fn at_most<T>(most: usize, mut those: impl Iterator<Item = T>, line: impl Fn(T) -> MenuItem) -> Vec<MenuItem> {
    let mut lines: Vec<_> = those.by_ref().take(most).map(line).collect();
    match those.count() {
        0 => {}
        rest => lines.push(item(format!("{}…", and_more(rest)), Action::OpenWindow)),
    }
    lines
}

fn submenu(account: &AccountStatus, now: Timestamp) -> MenuItem {
    let default = MenuItem::Item {
        label: if account.default { "Is the default" } else { "Make default" }.to_owned(),
        enabled: !account.default,
        action: Action::MakeDefault(account.name.clone()),
    };
    MenuItem::Submenu {
        label: format!("{} · {}", account.name, state_and_time_left(account, now)),
        items: [
            vec![copy("Copy access token".to_owned(), account)],
            of_one(account),
            vec![item("Log in again…", Action::Login(account.name.clone())), default],
        ]
        .concat(),
    }
}

/// What one account can do besides being copied.
fn of_one(account: &AccountStatus) -> Vec<MenuItem> {
    let refresh = MenuItem::Item {
        label: "Refresh now".to_owned(),
        enabled: can_refresh(account.state),
        action: Action::Refresh(account.name.clone()),
    };
    vec![refresh, item("History…", Action::Show(account.name.clone()))]
}

fn of_the_program() -> Vec<MenuItem> {
    vec![item("Open Evertoken", Action::OpenWindow), item("Quit and stop refreshing tokens", Action::Quit)]
}

fn copy(label: String, account: &AccountStatus) -> MenuItem {
    MenuItem::Item { label, enabled: account.access_token.is_some(), action: Action::Copy(account.name.clone()) }
}

fn item(label: impl Into<String>, action: Action) -> MenuItem {
    MenuItem::Item { label: label.into(), enabled: true, action }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::{self, State};
    use crate::present::wall_clock::WallClock;

    fn account(name: &str, state: State, default: bool) -> AccountStatus {
        AccountStatus { default, ..status::tests::account(name, state) }
    }

    fn labels(accounts: &[&AccountStatus]) -> Vec<String> {
        let label = |item: MenuItem| match item {
            MenuItem::Line(label) | MenuItem::Item { label, .. } | MenuItem::Submenu { label, .. } => label,
            MenuItem::Separator => "-".to_owned(),
        };
        of(accounts, Timestamp::UNIX_EPOCH).into_iter().map(label).collect()
    }

    const LAST: [&str; 3] = ["-", "Open Evertoken", "Quit and stop refreshing tokens"];

    #[test]
    fn with_one_account_the_copy_is_first_and_a_log_in_that_is_needed_above_it() {
        let first = ["Copy access token", "a · valid", "Refresh now", "History…"];
        assert_eq!(labels(&[&account("a", State::Valid, true)]), [&first[..], &LAST].concat());
        let needed = labels(&[&account("a", State::LoginRequired, true)]);
        assert_eq!(needed[..3], ["Log in again…", "-", "Copy access token"]);
    }

    #[test]
    fn three_hundred_accounts_make_a_menu_and_a_tooltip_that_fit_on_a_screen() {
        let accounts: Vec<_> =
            (0..300).map(|number| account(&format!("a{number}"), State::LoginRequired, number == 0)).collect();
        let accounts: Vec<_> = accounts.iter().collect();
        let labels = labels(&accounts);
        assert_eq!(labels[4..8], ["Log in to a4 again…", "and 295 more…", "-", "Copy token of a0"]);
        assert_eq!(labels[17..20], ["a9 · log in again", "and 290 more…", "-"]);
        assert_eq!(labels.len(), 22);
        let tooltip = super::super::Tray::of(&accounts, None, Timestamp::UNIX_EPOCH, &WallClock::UTC).tooltip;
        let lines: Vec<_> = tooltip.lines().collect();
        assert_eq!((lines.len(), lines[10]), (11, "and 290 more"));
    }

    #[test]
    fn with_several_accounts_the_default_is_copied_first_and_who_needs_a_person_is_on_top() {
        let asking =
            AccountStatus { approvals: vec![Program::new("/usr/bin/curl")], ..account("b", State::Valid, true) };
        let accounts = [&account("a", State::Valid, false), &asking, &account("c", State::LoginRequired, false)];
        let shown = [
            "Log in to c again…",
            "/usr/bin/curl wants a token of b",
            "-",
            "Copy token of b",
            "c · log in again",
            "a · valid",
            "b · valid",
        ];
        assert_eq!(labels(&accounts), [&shown[..], &LAST].concat());
    }
}
