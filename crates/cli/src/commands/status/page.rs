//! The report as a person reads it.

use evertoken_core::api::status::{AccountStatus, State, StatusReport};
use evertoken_core::present::sentence::{
    at_local_time, local_time, state_and_end, state_and_time_left, with_local_times,
};
use evertoken_core::present::wall_clock::{Precision, WallClock};
use jiff::Timestamp;

use crate::output::{Colour, Style, plain};

const NO_ACCOUNT: &str = "\
No account yet.
  Log in           evertoken login
  Try the sandbox  evertoken login --preset sandbox";

/// Every account as a short paragraph.
pub(super) fn page(report: &StatusReport, now: Timestamp, wall: &WallClock, style: Style) -> String {
    if report.accounts.is_empty() {
        return NO_ACCOUNT.to_owned();
    }
    let several = report.accounts.len() > 1;
    let paragraphs: Vec<String> = report
        .in_order()
        .into_iter()
        .map(|account| {
            let mark = if several && account.default { " (default account)" } else { "" };
            let name = style.paint(Colour::Bold, account.name.as_str());
            let state = style.paint(colour(account.state_if_retry_fails()), &state_and_time_left(account, now));
            let rows: String = rows(account, now, wall)
                .iter()
                .map(|(label, text)| format!("\n  {}{text}", style.paint(Colour::Dim, &format!("{label:<14}"))))
                .collect();
            format!("{name}{mark}  {state}{rows}")
        })
        .collect();
    paragraphs.join("\n\n")
}

/// One line for each account that is not as it was.
pub(super) fn changes(
    last: Option<&StatusReport>,
    report: &StatusReport,
    now: Timestamp,
    wall: &WallClock,
    style: Style,
) -> Vec<String> {
    let width = report.accounts.iter().map(|account| account.name.as_str().len()).max().unwrap_or_default();
    let clock = style.paint(Colour::Dim, &wall.time(now, Precision::Seconds));
    if report.accounts.is_empty() {
        return vec![format!("{clock}  no account")];
    }
    let line = |account: &AccountStatus| {
        let state = style.paint(colour(account.state_if_retry_fails()), &state_and_end(account, now, wall));
        let reason = reason(account)
            .map(|reason| with_local_times(&reason, now, wall))
            .map(|reason| format!("  {reason}"))
            .unwrap_or_default();
        format!("{clock}  {:width$}  {state}{reason}", account.name.as_str())
    };
    let was = |account: &AccountStatus| last.is_some_and(|last| last.accounts.contains(account));
    report.accounts.iter().filter(|account| !was(account)).map(line).collect()
}

/// What an account's paragraph says, in the order in which a person asks.
fn rows(account: &AccountStatus, now: Timestamp, wall: &WallClock) -> Vec<(&'static str, String)> {
    let local = |at: Timestamp| local_time(at, now, wall);
    let told = |sentence: &str| with_local_times(&plain(sentence), now, wall);
    let AccountStatus { endpoint, user_id, access_token, refresh, login, .. } = account;
    let failures = refresh.failing_since.map(|since| match refresh.failures {
        1 => format!("1 attempt failed {}", at_local_time(since, now, wall)),
        several => format!("{several} attempts failed since {}", local(since)),
    });
    let rows = [
        ("access token", access_token.as_ref().map(|token| format!("until {}", local(token.expires_at)))),
        ("next refresh", refresh.next_at.map(|at| if at <= now { "now".to_owned() } else { local(at) })),
        ("last refresh", refresh.last_success_at.map(local)),
        ("failures", failures),
        ("last error", refresh.last_error.as_deref().map(told)),
        ("log in", login.required_since.map(|since| format!("required since {}", local(since)))),
        ("log in", login.before.map(|at| format!("before {}", local(at)))),
        ("not granted", (!login.not_granted.is_empty()).then(|| plain(&login.not_granted.join(" ")))),
        ("reason", login.reason.as_deref().map(told)),
        ("user", user_id.as_deref().map(plain)),
        ("endpoint", Some(plain(endpoint))),
    ];
    rows.into_iter().filter_map(|(label, text)| Some((label, text?))).collect()
}

fn reason(account: &AccountStatus) -> Option<String> {
    account.login.reason.as_deref().or(account.refresh.last_error.as_deref()).map(plain)
}

fn colour(state: State) -> Colour {
    match state {
        State::Valid | State::Refreshing => Colour::Green,
        State::Retrying | State::LoginSoon | State::KeychainUnavailable => Colour::Yellow,
        State::Expired | State::LoginRequired | State::ServerChanged => Colour::Red,
        State::SignedOut => Colour::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{account, report};
    use super::*;

    const NOW: Timestamp = Timestamp::constant(3600, 0);

    #[test]
    fn a_page_is_read_at_a_glance() {
        let mut troubled = account("b", State::Retrying);
        troubled.default = false;
        troubled.refresh.failures = 3;
        troubled.refresh.failing_since = Some(Timestamp::constant(1800, 0));
        troubled.refresh.last_error = Some("no connection".to_owned());
        troubled.login.before = Some(Timestamp::constant(90_000, 0));
        troubled.login.not_granted = vec!["write".to_owned(), "admin".to_owned()];
        let expected = "\
a (default account)  valid, 23 h 0 min left
  access token  until 2 Jan, 00:00
  next refresh  18:00
  last refresh  00:00
  user          usr:1
  endpoint      https://api.vault.ist/v2.0/reference/gettoken

b  valid, not renewed, 23 h 0 min left
  access token  until 2 Jan, 00:00
  next refresh  18:00
  last refresh  00:00
  failures      3 attempts failed since 00:30
  last error    no connection
  log in        before 2 Jan, 01:00
  not granted   write admin
  user          usr:1
  endpoint      https://api.vault.ist/v2.0/reference/gettoken";
        let shown = page(&report(vec![account("a", State::Valid), troubled]), NOW, &WallClock::UTC, Style::PLAIN);
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_newcomer_is_told_how_to_log_in() {
        assert!(page(&report(Vec::new()), NOW, &WallClock::UTC, Style::PLAIN).contains("evertoken login"));
    }

    #[test]
    fn watching_tells_what_changed_and_nothing_else() {
        let before = report(vec![account("a", State::Valid), account("b", State::Valid)]);
        let after = report(vec![account("a", State::Valid), account("b", State::Refreshing)]);
        let lines = changes(Some(&before), &after, NOW, &WallClock::UTC, Style::PLAIN);
        assert_eq!(lines, ["01:00:00  b  refreshing until 2 Jan, 00:00"]);
        assert_eq!(changes(None, &after, NOW, &WallClock::UTC, Style::PLAIN).len(), 2);
    }
}
