use clap::Args;
use evertoken_client::environment::wall_clock;
use evertoken_core::present::sentence::local_time;
use jiff::Timestamp;

use super::account_argument::AccountArgument;
use super::agent_client;
use super::valid_token::after_refresh;
use crate::failure::Failure;
use crate::output;

/// Put the access token on the clipboard
///
/// The token is kept out of clipboard histories, and cleared after a while if it is still on the clipboard.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken copy
  evertoken copy Production")]
pub(crate) struct Copy {
    #[command(flatten)]
    account: AccountArgument,
    /// Show a notification too, for menus and keyboard shortcuts
    #[arg(long)]
    notify: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Copy {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let account = self.account.name()?;
        let account = account.as_ref();
        let copied = if self.notify {
            client.copy_and_notify(account).await?
        } else {
            after_refresh(&client, account, None, || client.copy(account)).await?
        };
        if self.json {
            return output::json(&copied);
        }
        let until = local_time(copied.expires_at, Timestamp::now(), &wall_clock());
        match copied.cleared_after {
            0 => output::line(format_args!("Copied: valid until {until}; it stays on the clipboard.")),
            seconds => {
                output::line(format_args!("Copied: valid until {until}, cleared from the clipboard after {seconds} s."))
            }
        }
    }
}
