mod page;

use clap::Args;
use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::status::StatusReport;
use jiff::{Timestamp, tz::TimeZone};

use super::agent_client;
use crate::failure::Failure;
use crate::output::{self, Style};

/// Show how the accounts are: state, time to expiry, next refresh, last error
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken status
  evertoken status --watch                one line for each change
  evertoken status --json | jq -r '.accounts[].state'

States:
  valid, refreshing, retrying (still valid), expired, login-soon (still valid), login-required,
  keychain-unavailable, signed-out")]
pub(crate) struct Status {
    /// Only this account
    account: Option<AccountName>,
    /// Print JSON; with --watch, one object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on, and print each change
    #[arg(long)]
    watch: bool,
}

impl Status {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        if self.watch {
            return self.watch(&client).await;
        }
        let report = self.select(client.status().await?)?;
        if self.json {
            return output::json(&report);
        }
        output::line(page::page(&report, Timestamp::now(), &TimeZone::system(), Style::of(&std::io::stdout())))
    }

    async fn watch(&self, client: &Client) -> Result<(), Failure> {
        let (zone, style) = (TimeZone::system(), Style::of(&std::io::stdout()));
        let mut events = client.events().await?;
        let mut last = None;
        while let Some(report) = events.next().await {
            let report = without_countdown(self.select(report?)?);
            if last.as_ref() != Some(&report) {
                if self.json {
                    output::json(&with_countdown(report.clone(), Timestamp::now()))?;
                } else {
                    for line in page::changes(last.as_ref(), &report, Timestamp::now(), &zone, style) {
                        output::line(line)?;
                    }
                }
                last = Some(report);
            }
        }
        let advice = "Run evertoken status: it starts the agent again and tells how things are.";
        Err(Problem::new(ProblemKind::AgentUnavailable, "The agent has ended.", advice).into())
    }

    fn select(&self, mut report: StatusReport) -> Result<StatusReport, Problem> {
        if let Some(name) = &self.account {
            report.accounts.retain(|account| account.name == *name);
            if report.accounts.is_empty() {
                let detail = format!("No account is named {name}.");
                return Err(Problem::new(ProblemKind::UnknownAccount, detail, "See: evertoken account list"));
            }
        }
        Ok(report)
    }
}

/// A countdown that went on is no change.
fn without_countdown(report: StatusReport) -> StatusReport {
    count_down(report, |_| 0)
}

fn with_countdown(report: StatusReport, now: Timestamp) -> StatusReport {
    count_down(report, |expires_at| expires_at.duration_since(now).as_secs().max(0))
}

fn count_down(mut report: StatusReport, expires_in: impl Fn(Timestamp) -> i64) -> StatusReport {
    for token in report.accounts.iter_mut().filter_map(|account| account.access_token.as_mut()) {
        token.expires_in = expires_in(token.expires_at);
    }
    report
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use evertoken_core::account::order::AccountOrder;
    use evertoken_core::api::status::{AccessTokenStatus, AccountStatus, AgentInfo, LoginStatus, RefreshStatus, State};
    use evertoken_core::oauth::endpoint::PRODUCTION_ENDPOINT;

    /// An account at the beginning of 1970, with a day's access token unless it is signed out.
    pub(in crate::commands) fn account(name: &str, state: State) -> AccountStatus {
        let day = AccessTokenStatus {
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::constant(86_400, 0),
            expires_in: 86_400,
        };
        AccountStatus {
            token_file: None,
            approvals: Vec::new(),
            sign_in: Vec::new(),
            name: name.parse().unwrap(),
            default: true,
            endpoint: PRODUCTION_ENDPOINT.to_owned(),
            state,
            user_id: Some("usr:1".to_owned()),
            scope: Vec::new(),
            access_token: (state != State::SignedOut).then_some(day),
            refresh: RefreshStatus {
                next_at: Some(Timestamp::constant(64_800, 0)),
                last_success_at: Some(Timestamp::UNIX_EPOCH),
                ..RefreshStatus::default()
            },
            refresh_token: None,
            login: LoginStatus::default(),
        }
    }

    pub(super) fn report(accounts: Vec<AccountStatus>) -> StatusReport {
        let agent = AgentInfo { version: "0.1.0".to_owned(), pid: 1, started_at: Timestamp::UNIX_EPOCH };
        StatusReport { agent, accounts, account_order: AccountOrder::default() }
    }

    #[test]
    fn a_countdown_alone_is_no_change() {
        let first = report(vec![account("a", State::Valid)]);
        let later = with_countdown(first.clone(), Timestamp::constant(60, 0));
        assert_ne!(first, later);
        assert_eq!(without_countdown(first), without_countdown(later));
    }

    #[test]
    fn a_misspelt_account_is_wrong_usage() {
        let status = Status { account: Some("b".parse().unwrap()), json: true, watch: false };
        let problem = status.select(report(vec![account("a", State::Valid)])).unwrap_err();
        assert_eq!(problem.kind.exit_code() as u8, 2);
    }
}
