use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::account::token_file::{TokenFile, TokenFileForm, TokenFilePath};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::AccountChange;
use evertoken_core::api::status::{AccountStatus, TokenFileStatus};
use evertoken_core::present::sentence::state_and_time_left;
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
  evertoken account set Production --token-file /run/user/1000/vault.env --form env
  evertoken account set Production --require-approval on

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
    /// Make an account the default
    Default {
        /// The account
        account: AccountName,
    },
    /// Change who gets an account's access tokens, and how
    Set(Set),
    /// Remove an account
    Remove {
        /// The account
        account: AccountName,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").required(true).multiple(true))]
struct Set {
    /// The account
    account: AccountName,
    /// Keep the access token in this file, readable by you alone; gone while there is no valid token
    #[arg(long, value_name = "FILE", group = "change")]
    token_file: Option<PathBuf>,
    /// How the file is written: the token alone, VAULT_ACCESS_TOKEN=…, or JSON
    #[arg(long, value_enum, default_value_t, requires = "token_file")]
    form: Form,
    /// Stop keeping the token file
    #[arg(long, conflicts_with = "token_file", group = "change")]
    no_token_file: bool,
    /// Ask a person the first time a program wants a token of this account
    #[arg(long, value_name = "on|off", value_parser = on_or_off, group = "change")]
    require_approval: Option<bool>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Form {
    #[default]
    Raw,
    Env,
    Json,
}

impl Set {
    fn change(&self) -> Result<AccountChange, Problem> {
        let token_file = match &self.token_file {
            Some(path) => Some(Some(TokenFile { path: absolute(path)?, form: self.form.into() })),
            None => self.no_token_file.then_some(None),
        };
        Ok(AccountChange { token_file, require_approval: self.require_approval, ..AccountChange::default() })
    }
}

impl From<Form> for TokenFileForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Raw => Self::Raw,
            Form::Env => Self::Env,
            Form::Json => Self::Json,
        }
    }
}

impl Set {
    fn report(&self, changed: &AccountStatus) -> Result<(), Failure> {
        let name = &changed.name;
        if let Some(TokenFileStatus { path, form, .. }) = &changed.token_file {
            let path = path.display();
            output::line(format_args!("{name}: the access token is kept in {path} ({form}) while it is valid."))?;
        } else if self.no_token_file {
            output::line(format_args!("{name}: the access token is no longer kept in a file."))?;
        }
        match self.require_approval {
            Some(true) => {
                output::line(format_args!("{name}: a person is asked the first time a program wants a token."))
            }
            Some(false) => output::line(format_args!("{name}: every program of yours that asks for a token gets one.")),
            None => Ok(()),
        }
    }
}

/// The agent does not know the folder that a person is in.
fn absolute(path: &Path) -> Result<TokenFilePath, Problem> {
    let unusable = |error: &dyn std::fmt::Display| {
        Problem::new(
            ProblemKind::InvalidInput,
            format!("The token file cannot be kept: {error}."),
            "Name another file.",
        )
    };
    // Joining drops a trailing slash, which says that a folder is meant, and hides a ~ that the shell did not replace.
    let path = if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.starts_with("~") {
        path.to_owned()
    } else {
        std::path::absolute(path).map_err(|error| unusable(&error))?
    };
    TokenFilePath::try_from(path).map_err(|error| unusable(&error))
}

async fn token_file_of(client: &Client, account: &AccountName) -> Result<Option<TokenFileStatus>, Failure> {
    let report = client.status().await?;
    Ok(report.accounts.into_iter().find(|status| status.name == *account).and_then(|status| status.token_file))
}

/// A token file that somebody else has changed is not ours to delete.
pub(super) fn say_if_left(file: &TokenFileStatus) -> Result<(), Failure> {
    if file.path.symlink_metadata().is_err() {
        return Ok(());
    }
    let path = file.path.display();
    output::line(format_args!(
        "{path} was changed by another program and is left there: delete it if it holds a token."
    ))
}

fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("say on or off"),
    }
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
            Action::Set(set) => {
                let change = set.change()?;
                let before =
                    if change.token_file.is_some() { token_file_of(&client, &set.account).await? } else { None };
                let changed = client.change_account(Some(&set.account), &change).await?;
                if self.json {
                    return output::json(&changed);
                }
                set.report(&changed)?;
                match before {
                    Some(file) if changed.token_file.is_none_or(|now| now.path != file.path) => say_if_left(&file),
                    Some(_) | None => Ok(()),
                }
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

/// What `evertoken account list --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Accounts {
    /// Every account, ordered by name.
    accounts: Vec<AccountStatus>,
}

/// What `evertoken account remove --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Removed {
    /// The account that is gone.
    removed: AccountName,
}

async fn list(client: &Client, as_json: bool) -> Result<(), Failure> {
    let report = client.status().await?;
    if as_json {
        return output::json(&Accounts { accounts: report.accounts });
    }
    if report.accounts.is_empty() {
        return output::line("No account. Make one: evertoken login");
    }
    output::line(table(&report.in_order(), Timestamp::now()))
}

fn table(accounts: &[&AccountStatus], now: Timestamp) -> String {
    let rows: Vec<(&AccountStatus, String)> =
        accounts.iter().map(|account| (*account, state_and_time_left(account, now))).collect();
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
    use evertoken_core::api::status::State;

    #[test]
    fn columns_stand_under_each_other() {
        let accounts = [account("a", State::Valid), account("production", State::SignedOut)];
        let expected = "\
* a           valid, 23 h 59 min left  https://api.vault.ist/v2.0/reference/gettoken
* production  signed out               https://api.vault.ist/v2.0/reference/gettoken";
        assert_eq!(table(&accounts.each_ref(), Timestamp::constant(60, 0)), expected);
    }
}
