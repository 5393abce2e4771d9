use clap::Args;
use evertoken_core::account::AccountName;

use super::account::say_if_left;
use super::agent_client;
use crate::failure::Failure;
use crate::output::{self, plain};

/// Forget an account's tokens
///
/// The only thing that deletes a refresh token. Where the account names a revocation endpoint, the server is asked to
/// revoke it too (RFC 7009); the tokens are forgotten here whatever it says. The account itself stays, with its client
/// secret if it has one; log in again with `evertoken login`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  evertoken logout Production")]
pub(crate) struct Logout {
    /// The account; required, because a log-out cannot be undone
    account: AccountName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Logout {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let answer = agent_client().await?.logout(Some(&self.account)).await?;
        if self.json {
            return output::json(&answer);
        }
        output::line(format_args!("{}: logged out, its tokens are deleted.", answer.account.name))?;
        answer.revocation.map_or(Ok(()), |revocation| output::line(plain(&revocation.in_words())))?;
        answer.account.token_file.as_ref().map_or(Ok(()), say_if_left)
    }
}
