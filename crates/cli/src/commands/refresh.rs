use clap::Args;
use evertoken_core::account::AccountName;
use evertoken_core::api::requests::RefreshRequest;
use evertoken_core::present::sentence::state_and_time_left;
use jiff::Timestamp;

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
    /// The account; may be left out when there is one account or a default
    account: Option<AccountName>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Refresh {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let account = client.refresh(self.account.as_ref(), RefreshRequest::default()).await?;
        if self.json {
            return output::json(&account);
        }
        output::line(format_args!("{}: {}.", account.name, state_and_time_left(&account, Timestamp::now())))
    }
}
