use clap::Args;
use evertoken_core::account::AccountName;

use super::agent_client;
use super::token::valid_token;
use crate::failure::Failure;
use crate::output;

/// Print an Authorization header with a valid access token
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken header | curl -H @- https://api.vault.ist/…     the token is in no process's arguments
  evertoken header Production")]
pub(crate) struct Header {
    /// The account; may be left out when there is one account or a default
    account: Option<AccountName>,
}

impl Header {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let token = valid_token(&agent_client().await?, self.account.as_ref(), None).await?;
        output::line(format_args!("Authorization: Bearer {}", token.access_token))
    }
}
