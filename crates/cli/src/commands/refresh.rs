use clap::Args;
use evertoken_core::api::requests::{RefreshAnswer, RefreshRequest};
use evertoken_core::present::sentence::{not_refreshed, state_and_time_left};
use jiff::Timestamp;

use super::account_argument::AccountArgument;
use super::agent_client;
use crate::failure::Failure;
use crate::output;

/// Refresh now, and wait for the outcome
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken refresh
  evertoken refresh Production")]
pub(crate) struct Refresh {
    #[command(flatten)]
    account: AccountArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Refresh {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let answer = client.refresh(self.account.name()?.as_ref(), RefreshRequest::default()).await?;
        if self.json {
            return output::json(&answer);
        }
        let (RefreshAnswer { account, refreshed }, now) = (answer, Timestamp::now());
        if !refreshed {
            return output::line(not_refreshed(&account, now));
        }
        output::line(format_args!("{}: {}.", account.name, state_and_time_left(&account, now)))
    }
}
