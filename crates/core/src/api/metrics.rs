//! `GET /v1/metrics`: how the accounts are, for whoever watches services. OpenMetrics 1.0 text, which Prometheus reads.
//! No secret and no user id: account names, states, instants and counts.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;

use crate::account::AccountName;
use crate::api::status::{AccountStatus, State, StatusReport};

/// The media type (OpenMetrics 1.0, section "Protocol Negotiation").
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How an account's refreshes ended since the agent began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefreshCounts {
    /// With a new access token; a log-in counts too.
    pub succeeded: u64,
    /// With a failure that is tried again.
    pub failed: u64,
    /// With the endpoint's word that a person must log in.
    pub refused: u64,
}

/// The whole answer.
#[must_use]
pub fn open_metrics(report: &StatusReport, counts: &BTreeMap<AccountName, RefreshCounts>) -> String {
    let mut text = String::new();
    let agent = &report.agent;
    family(&mut text, "evertoken_build", "info", "The agent that answers.");
    line(&mut text, "evertoken_build_info", &[("version", &agent.version)], 1);
    let started = agent.started_at.as_second();
    family(&mut text, "evertoken_start_time_seconds", "gauge", "When the agent began, in Unix time.");
    line(&mut text, "evertoken_start_time_seconds", &[], started);

    family(&mut text, "evertoken_account_state", "stateset", "The account's state, as evertoken status has it.");
    for account in &report.accounts {
        for state in State::ALL {
            let is = i64::from(account.state == state);
            let labels = [("account", account.name.as_str()), ("evertoken_account_state", name_of(state))];
            line(&mut text, "evertoken_account_state", &labels, is);
        }
    }
    let gauge = |text: &mut String, name: &str, help: &str, value: fn(&AccountStatus) -> Option<i64>| {
        family(text, name, "gauge", help);
        for account in &report.accounts {
            if let Some(value) = value(account) {
                line(text, name, &[("account", account.name.as_str())], value);
            }
        }
    };
    gauge(
        &mut text,
        "evertoken_access_token_expiry_timestamp_seconds",
        "When the access token expires, in Unix time; absent when there is none.",
        |account| account.access_token.as_ref().map(|token| token.expires_at.as_second()),
    );
    gauge(
        &mut text,
        "evertoken_last_refresh_timestamp_seconds",
        "The last refresh that worked, in Unix time.",
        |account| account.refresh.last_success_at.map(Timestamp::as_second),
    );
    gauge(
        &mut text,
        "evertoken_next_refresh_timestamp_seconds",
        "The next attempt, in Unix time; absent when none is planned.",
        |account| account.refresh.next_at.map(Timestamp::as_second),
    );
    gauge(&mut text, "evertoken_failures_in_a_row", "Refreshes that failed since the last that worked.", |account| {
        Some(i64::from(account.refresh.failures))
    });
    gauge(
        &mut text,
        "evertoken_login_required_timestamp_seconds",
        "Since when a person must log in, in Unix time; absent while nobody must.",
        |account| account.login.required_since.map(Timestamp::as_second),
    );

    family(&mut text, "evertoken_refreshes", "counter", "Refreshes since the agent began, by outcome.");
    for (account, RefreshCounts { succeeded, failed, refused }) in counts {
        for (outcome, number) in [("succeeded", succeeded), ("failed", failed), ("refused", refused)] {
            line(
                &mut text,
                "evertoken_refreshes_total",
                &[("account", account.as_str()), ("outcome", outcome)],
                number,
            );
        }
    }
    text + "# EOF\n"
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let unit = if name.ends_with("_seconds") { format!("# UNIT {name} seconds\n") } else { String::new() };
    let _ = write!(text, "# TYPE {name} {kind}\n{unit}# HELP {name} {help}\n");
}

/// Label values need no escape: names of accounts and states have letters, digits, `.`, `_` and `-` only.
fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}

/// The state's stable name.
const fn name_of(state: State) -> &'static str {
    match state {
        State::Valid => "valid",
        State::Refreshing => "refreshing",
        State::Retrying => "retrying",
        State::Expired => "expired",
        State::LoginSoon => "login-soon",
        State::LoginRequired => "login-required",
        State::KeychainUnavailable => "keychain-unavailable",
        State::SignedOut => "signed-out",
        State::ServerChanged => "server-changed",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn states_have_the_names_that_status_has() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), name_of(state));
        }
    }
}
