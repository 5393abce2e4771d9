mod inspect;

use clap::Args;

use super::account_argument::AccountArgument;
use super::agent_client;
use super::valid_token::Validity;
use crate::failure::Failure;
use crate::output;

#[cfg(test)]
pub(crate) use inspect::Inspected;

/// Print a valid access token
///
/// Prints the token and a newline, nothing else. Refreshes first when the token at hand would not last long enough.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  VAULT_ACCESS_TOKEN=$(evertoken token) ./report.sh
  evertoken token --min-valid 10m         one that lasts 10 minutes at least
  evertoken token --wait 2m               wait that long for the network, or for a person to log in
  evertoken token --inspect               what the token says of itself, without the token")]
pub(crate) struct Token {
    #[command(flatten)]
    account: AccountArgument,
    #[command(flatten)]
    validity: Validity,
    /// Print what the token says of itself (the claims of a JWT) and its times; never its signature
    #[arg(long)]
    inspect: bool,
    /// Print account, token, type and expiry as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Token {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let token = self.validity.token(&client, self.account.name()?.as_ref()).await?;
        match (self.inspect, self.json) {
            (true, as_json) => inspect::print(&token, as_json),
            (false, true) => output::json(&token),
            (false, false) => output::line(&token.access_token),
        }
    }
}
