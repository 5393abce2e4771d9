use clap::{Args, Subcommand};
use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::AccountChange;
use evertoken_core::sentence::state_and_time_left;
use evertoken_core::status::AccountStatus;
use jiff::Timestamp;
use serde::Serialize;

use super::agent_client;
use crate::failure::Failure;
use crate::output::{self, plain};

/// Manage accounts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken account list
  evertoken account list --json | jq -r '.accounts[].name'
  evertoken account rename default Production
  evertoken account default Production

An account is made by `evertoken login NAME`.")]
pub(crate) struct Account {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the accounts; the default one has a star
    List,
    /// Give an account another name; its login stays
    Rename {
        /// The name it has
        account: AccountName,
        /// The name it gets
        new_name: AccountName,
    },
    /// Make an account the one that is meant when none is named
    Default {
        /// The account
        account: AccountName,
    },
    /// Remove an account
    Remove {
        /// The account
        account: AccountName,
    },
}

impl Account {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        match self.action {
            Action::List => list(&client, self.json).await,
            Action::Rename { account, new_name } => {
                let change = AccountChange { name: Some(new_name), ..AccountChange::default() };
                let changed = client.change_account(Some(&account), &change).await?;
                if self.json {
                    return output::json(&changed);
                }
                output::line(format_args!("{account} is named {} now.", changed.name))
            }
            Action::Default { account } => {
                let change = AccountChange { default: true, ..AccountChange::default() };
                let changed = client.change_account(Some(&account), &change).await?;
                if self.json {
                    return output::json(&changed);
                }
                output::line(format_args!("{} is the default account now.", changed.name))
            }
            Action::Remove { account } => {
                client.remove_account(Some(&account)).await?;
                if self.json {
                    return output::json(&Removed { removed: account });
                }
                output::line(format_args!("{account} is removed."))
            }
        }
    }
}

/// What `list --json` prints.
#[derive(Serialize)]
struct Accounts {
    accounts: Vec<AccountStatus>,
}

/// What `remove --json` prints.
#[derive(Serialize)]
struct Removed {
    removed: AccountName,
}

async fn list(client: &Client, as_json: bool) -> Result<(), Failure> {
    let accounts = client.status().await?.accounts;
    if as_json {
        return output::json(&Accounts { accounts });
    }
    if accounts.is_empty() {
        return output::line("No account. Make one: evertoken login");
    }
    output::line(table(&accounts, Timestamp::now()))
}

fn table(accounts: &[AccountStatus], now: Timestamp) -> String {
    let rows: Vec<(&AccountStatus, String)> =
        accounts.iter().map(|account| (account, state_and_time_left(account, now))).collect();
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
    let names = width(&mut rows.iter().map(|(account, _)| account.name.as_str().len()));
    let states = width(&mut rows.iter().map(|(_, state)| state.len()));
    let lines: Vec<String> = rows
        .iter()
        .map(|(account, state)| {
            let star = if account.default { '*' } else { ' ' };
            format!("{star} {:names$}  {state:states$}  {}", account.name.as_str(), plain(&account.endpoint))
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::account;
    use super::*;
    use evertoken_core::status::State;

    #[test]
    fn columns_stand_under_each_other() {
        let accounts = [account("a", State::Valid), account("production", State::SignedOut)];
        let expected = "\
* a           valid, 23 h 59 m left  https://api.vault.ist/v2.0/reference/gettoken
* production  signed out             https://api.vault.ist/v2.0/reference/gettoken";
        assert_eq!(table(&accounts, Timestamp::constant(60, 0)), expected);
    }
}
