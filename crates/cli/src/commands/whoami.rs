use clap::Args;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::status::{AccountStatus, State};
use serde::Serialize;

use super::account_argument::AccountArgument;
use super::agent_client;
use super::status::find;
use crate::failure::Failure;
use crate::output;
use crate::style::plain;

/// Show whose login it is: the user, the account and the server
///
/// As the server said it when it last gave an access token; nothing is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken whoami
  evertoken whoami Production --json | jq -r .user_id")]
pub(crate) struct WhoAmI {
    #[command(flatten)]
    account: AccountArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What `evertoken whoami --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Identity {
    /// The account.
    account: AccountName,
    /// The user that the server says the login belongs to; `null` when it does not say.
    user_id: Option<String>,
    /// Where the account's tokens are refreshed.
    endpoint: String,
    /// What the access token may do (RFC 6749 section 3.3).
    scope: Vec<String>,
}

impl WhoAmI {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let AccountStatus { name, user_id, endpoint, scope, access_token, state, .. } =
            find(client.status().await?, self.account.name()?.as_ref())?;
        if user_id.is_none() && access_token.is_none() {
            let detail = format!("{name}: there is no access token, so it is not known whose login it is.");
            let (kind, cure) = if state == State::KeychainUnavailable {
                (ProblemKind::Keychain, String::new())
            } else {
                (ProblemKind::LoginRequired, format!("; `evertoken login {name}` logs in"))
            };
            return Err(Problem::new(kind, detail, format!("`evertoken status {name}` says why{cure}.")).into());
        }
        if self.json {
            return output::json(&Identity { account: name, user_id, endpoint, scope });
        }
        let user = user_id.as_deref().map_or_else(|| "a user that the server does not name".to_owned(), plain);
        output::line(format_args!("{user} (account {name}, {})", plain(&endpoint)))
    }
}
