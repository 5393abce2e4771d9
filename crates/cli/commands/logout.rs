use clap::Args;
use evertoken_core::account::AccountName;

use super::agent_client;
use crate::failure::Failure;
use crate::output;

/// Forget an account's tokens
///
/// The only thing that deletes a refresh token. The account itself stays; log in again with `evertoken login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  evertoken logout Production")]
pub(crate) struct Logout {
    /// The account; must be named, because a log-in cannot be brought back
    account: AccountName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Logout {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let account = agent_client().await?.logout(Some(&self.account)).await?;
        if self.json {
            return output::json(&account);
        }
        output::line(format_args!("{}: logged out, its tokens are deleted.", account.name))
    }
}
