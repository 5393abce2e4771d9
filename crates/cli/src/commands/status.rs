mod check;
mod page;

use evertoken_client::environment::wall_clock;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::status::{AccountStatus, StatusReport};
use evertoken_core::api::unknown_account::{account_not_named, no_account, unknown_account};
use jiff::Timestamp;

use super::account_argument::named;
use super::{agent_client, done};
use crate::failure::Failure;
use crate::output::{self, Style};

/// A keychain that takes longer is as good as locked.
const OPENED_WITHIN: Duration = Duration::from_secs(10);

/// Show how the accounts are: state, time to expiry, next refresh, last error
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken status
  evertoken status --watch                one line for each change
  evertoken status --json | jq -r '.accounts[].state'
  evertoken status --check || notify-me   nothing is printed, the exit code tells

Exit codes with --check, for the account that needs attention most:
  0 there is a valid access token, and nothing to do   3 a person must log in, now or soon
  4 no valid access token now, still trying            5 the keychain is locked or unavailable

States:
  valid, refreshing, retrying (still valid), expired, login-soon (still valid), login-required,
  keychain-unavailable, server-changed, signed-out")]
pub(crate) struct Status {
    /// Only this account
    account: Option<AccountName>,
    /// Print JSON; with --watch, one object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep running and print every change
    #[arg(long)]
    watch: bool,
    /// Print nothing; say by the exit code how the accounts are
    #[arg(long, conflicts_with_all = ["json", "watch"])]
    check: bool,
}

impl Status {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let client = agent_client().await?;
        if self.check {
            return self.check(&client).await;
        }
        if self.watch {
            return done(self.watch(&client).await);
        }
        let report = select(client.status().await?, self.account.as_ref())?;
        if self.json {
            return done(output::json(&report));
        }
        let page = page::page(&report, Timestamp::now(), &wall_clock(), Style::of(&std::io::stdout()));
        done(output::line(page))
    }

    /// An agent that was just started has not read the keychain yet: its word is waited for.
    async fn check(&self, client: &Client) -> Result<ExitCode, Failure> {
        let mut report = client.status().await?;
        if !report.is_opened() {
            let mut events = client.events().await?;
            let opened = async {
                while let Some(Ok(newer)) = events.next().await {
                    report = newer;
                    if report.is_opened() {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(OPENED_WITHIN, opened).await;
        }
        let account = named(self.account.clone())?;
        let report = select(report, account.as_ref())?;
        Ok(ExitCode::from(check::exit_code(&report.accounts) as u8))
    }

    async fn watch(&self, client: &Client) -> Result<(), Failure> {
        let (wall, style) = (wall_clock(), Style::of(&std::io::stdout()));
        let mut events = client.events().await?;
        let mut last = None;
        while let Some(report) = events.next().await {
            let report = without_countdown(select(report?, self.account.as_ref())?);
            if last.as_ref() != Some(&report) {
                if self.json {
                    output::json(&with_countdown(report.clone(), Timestamp::now()))?;
                } else {
                    for line in page::changes(last.as_ref(), &report, Timestamp::now(), &wall, style) {
                        output::line(line)?;
                    }
                }
                last = Some(report);
            }
        }
        let advice = "Run evertoken status: it starts the agent again and tells how things are.";
        Err(Problem::new(ProblemKind::AgentUnavailable, "The agent has ended.", advice).into())
    }
}

fn select(mut report: StatusReport, account: Option<&AccountName>) -> Result<StatusReport, Problem> {
    if let Some(name) = account {
        if report.accounts.iter().all(|account| account.name != *name) {
            return Err(unknown_account(name, report.accounts.iter().map(|account| &account.name)));
        }
        report.accounts.retain(|account| account.name == *name);
    }
    Ok(report)
}

/// The one account that is meant.
pub(super) fn find(report: StatusReport, account: Option<&AccountName>) -> Result<AccountStatus, Problem> {
    let is_empty = report.accounts.is_empty();
    let is_meant = |one: &AccountStatus| account.map_or(one.default, |name| one.name == *name);
    let found = select(report, account)?.accounts.into_iter().find(is_meant);
    found.ok_or_else(|| if is_empty { no_account() } else { account_not_named() })
}

/// A countdown that went on is no change.
fn without_countdown(report: StatusReport) -> StatusReport {
    with_countdown(report, Timestamp::MAX)
}

fn with_countdown(mut report: StatusReport, now: Timestamp) -> StatusReport {
    report.count_down(now);
    report
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use evertoken_core::account::order::AccountOrder;
    use evertoken_core::api::status::{AccessTokenStatus, AgentInfo, LoginStatus, RefreshStatus, State};
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
            identity: None,
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
        let agent =
            AgentInfo { version: "0.1.0".to_owned(), pid: 1, started_at: Timestamp::UNIX_EPOCH, quitting: false };
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
    fn the_help_names_every_state() {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            _status: Status,
        }
        let help = <Alone as clap::CommandFactory>::command().render_long_help().to_string();
        for state in State::ALL {
            let name = serde_json::to_string(&state).unwrap();
            assert!(help.contains(name.trim_matches('"')), "{name}");
        }
    }

    #[test]
    fn a_misspelt_account_is_wrong_usage() {
        let name = "b".parse().unwrap();
        let problem = select(report(vec![account("a", State::Valid)]), Some(&name)).unwrap_err();
        assert_eq!(problem.kind.exit_code() as u8, 2);
    }
}
