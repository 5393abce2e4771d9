//! What the window shows, as a plain value: a pure function of the status and of the clock on the wall.
//!
//! Every sentence with a number, a name or a time in it is made here; the page only puts it in its place.

mod answer;
mod card;
mod credential;
mod history;
mod waiting;

use crate::present::wall_clock::WallClock;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::api::login_problem::ANOTHER_USER_WAITS;
use crate::api::problem::Problem;
use crate::api::status::StatusReport;

pub use answer::{logged_in, moved};
pub use card::{Button, ButtonAction, Card};
pub use credential::{Recognised, recognise};
pub use history::{History, HistorySpan, Item, ItemKind, Tick};
pub use waiting::Waiting;

/// The whole page.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum View {
    /// The agent has not answered yet.
    Connecting,
    /// The agent cannot be reached or started.
    AgentUnavailable(Trouble),
    /// There is no account yet.
    FirstRun,
    /// A card for each account.
    Accounts {
        /// The cards, in the person's order.
        cards: Vec<Card>,
    },
}

/// What went wrong and what to do, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Trouble {
    /// What happened and what it means for the login.
    pub detail: String,
    /// What to do.
    pub advice: String,
    /// The login of another user that may take the account's place, if a person says so.
    pub waiting_login: Option<String>,
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        let Problem { kind: _, status: _, detail, advice, login } = problem;
        // The problem's own advice names an option of the command line.
        let advice = if login.is_some() { another_user() } else { advice };
        Self { detail, advice, waiting_login: login.map(|login| login.to_string()) }
    }
}

fn another_user() -> String {
    format!(
        "The new login waits up to {ANOTHER_USER_WAITS} minutes for your answer. To keep both, keep the account as it \
         is and add another account."
    )
}

impl View {
    /// The page for a report at `now`, in the person's time zone.
    #[must_use]
    pub fn of(report: &StatusReport, now: Timestamp, wall: &WallClock) -> Self {
        if report.accounts.is_empty() {
            return Self::FirstRun;
        }
        let mut accounts = report.in_order();
        // Those that need a person stand first, each part in the person's own order.
        accounts.sort_by_key(|account| !account.state.requires_a_person());
        Self::Accounts { cards: accounts.into_iter().map(|account| Card::of(account, now, wall)).collect() }
    }
}

/// How long the page for a report can stay as it is, as long as the report stays the same: until a text changes, with those
/// that change soon afterwards.
#[must_use]
pub fn stays_for(report: &StatusReport, now: Timestamp, wall: &WallClock) -> Duration {
    let cards = report.accounts.iter().filter_map(|account| card::next_change(account, now));
    let changes: Vec<SignedDuration> = cards.chain([until_midnight(now, wall)]).collect();
    let first = changes.iter().min().copied().unwrap_or_default();
    let counts_seconds = report.accounts.iter().any(|account| card::counts_seconds(account, now));
    let together = if counts_seconds { SignedDuration::ZERO } else { TOGETHER };
    let last = changes.into_iter().filter(|&change| change <= first + together).max();
    last.and_then(|change| change.try_into().ok()).unwrap_or(LONGEST)
}

/// Accounts that were refreshed together, as at the agent's start, are drawn at once, and not one after the other. Seconds are
/// counted one by one.
const TOGETHER: SignedDuration = SignedDuration::from_secs(2);

/// Texts with a time of day in them name the day too when it is not today, so they change at midnight.
fn until_midnight(now: Timestamp, wall: &WallClock) -> SignedDuration {
    let today = wall.zoned(now);
    let midnight = today.tomorrow().and_then(|tomorrow| tomorrow.start_of_day());
    midnight.map_or(SignedDuration::from_hours(24), |midnight| midnight.timestamp().duration_since(now))
}

/// A day: no text with a time of day in it stays true longer.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::account::order::AccountOrder;
    use crate::api::problem::ProblemKind;
    use crate::api::status::{AccessTokenStatus, AccountStatus, AgentInfo, LoginStatus, RefreshStatus, State};
    use crate::oauth::token::Fingerprint;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn report(accounts: Vec<AccountStatus>) -> StatusReport {
        let agent =
            AgentInfo { version: "0.1.0".to_owned(), pid: 1, started_at: at("2026-11-22T08:00:00Z"), quitting: false };
        StatusReport { agent, accounts, account_order: AccountOrder::default() }
    }

    fn account(ends: &str) -> AccountStatus {
        AccountStatus {
            token_file: None,
            approvals: Vec::new(),
            sign_in: Vec::new(),
            identity: None,
            name: "default".parse().unwrap(),
            default: true,
            endpoint: "https://api.vault.ist/v2.0/reference/gettoken".to_owned(),
            state: State::Valid,
            user_id: None,
            scope: Vec::new(),
            access_token: Some(AccessTokenStatus {
                issued_at: at("2026-11-22T08:00:00Z"),
                expires_at: at(ends),
                expires_in: 0,
            }),
            refresh: RefreshStatus::default(),
            refresh_token: None,
            login: LoginStatus::default(),
        }
    }

    #[test]
    fn without_an_account_the_page_asks_for_the_first() {
        assert_eq!(View::of(&report(Vec::new()), at("2026-11-22T08:00:00Z"), &WallClock::UTC), View::FirstRun);
    }

    #[test]
    fn the_window_sleeps_until_a_text_would_be_wrong() {
        let now = at("2026-11-22T23:59:30.500Z");
        for (ends, milliseconds) in [
            ("2026-11-23T08:00:00Z", 29_500), // 8 h 0 min left, midnight comes with the change to 7 h 59 min
            ("2026-11-23T08:00:20Z", 19_501), // 8 h 1 min left, then 8 h 0 min
            ("2026-11-22T23:59:45.200Z", 201), // 14.7 s left: 15 s, then 14 s
            ("2026-11-23T00:00:35.500Z", 5_501), // 65 s left: "1 min", then "59 s"
            ("2026-11-22T12:00:00Z", 29_500), // over: only midnight changes a text
        ] {
            let same = stays_for(&report(vec![account(ends)]), now, &WallClock::UTC);
            assert_eq!(same, Duration::from_millis(milliseconds), "{ends}");
            let before = now + SignedDuration::try_from(same).unwrap() - SignedDuration::from_millis(2);
            let report = report(vec![account(ends)]);
            let (View::Accounts { cards: first }, View::Accounts { cards: last }) =
                (View::of(&report, now, &WallClock::UTC), View::of(&report, before, &WallClock::UTC))
            else {
                panic!("there is an account")
            };
            assert_eq!(first[0].expires_in, last[0].expires_in, "{ends}");
        }
    }

    #[test]
    fn what_changes_within_two_seconds_is_drawn_at_once() {
        let now = at("2026-11-22T12:00:00Z");
        let report = |ends: [&str; 3]| report(ends.map(account).to_vec());
        let minutes = report(["2026-11-22T12:20:50Z", "2026-11-22T12:20:52Z", "2026-11-22T12:20:52.100Z"]);
        assert_eq!(stays_for(&minutes, now, &WallClock::UTC), Duration::from_millis(22_001));
        let one_counts_seconds = report(["2026-11-22T12:00:30Z", "2026-11-22T12:20:31Z", "2026-11-22T12:20:52Z"]);
        assert_eq!(stays_for(&one_counts_seconds, now, &WallClock::UTC), Duration::from_millis(501));
    }

    #[test]
    fn the_page_reads_its_own_names_for_what_it_shows() {
        let trouble = Trouble::from(Problem::new(ProblemKind::AgentUnavailable, "a", "b"));
        let shown = serde_json::to_value(View::AgentUnavailable(trouble)).unwrap();
        let expected = serde_json::json!({
            "kind": "agent-unavailable", "detail": "a", "advice": "b", "waiting_login": null
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn another_users_login_is_a_question_and_speaks_of_no_command_line() {
        let problem = Problem::new(ProblemKind::AnotherUser, "a", "log in with --replace-user");
        let asked = Trouble::from(Problem { login: Some(Fingerprint::of("waits")), ..problem });
        assert!(asked.waiting_login.is_some() && !asked.advice.contains("--"), "{asked:?}");
    }
}
