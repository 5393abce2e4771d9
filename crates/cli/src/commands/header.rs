use clap::Args;

use super::account_argument::AccountArgument;
use super::agent_client;
use super::valid_token::Validity;
use crate::failure::Failure;
use crate::output;

/// Print an Authorization header with a valid access token
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken header | curl -H @- https://api.vault.ist/…     the token is in no process's arguments
  evertoken header Production --min-valid 10m")]
pub(crate) struct Header {
    #[command(flatten)]
    account: AccountArgument,
    #[command(flatten)]
    validity: Validity,
}

impl Header {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let token = self.validity.token(&agent_client().await?, self.account.name()?.as_ref()).await?;
        output::line(format_args!("Authorization: Bearer {}", token.access_token))
    }
}
