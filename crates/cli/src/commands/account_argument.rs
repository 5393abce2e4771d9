//! The account that a command is for.

use clap::Args;
use evertoken_client::environment;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};

/// Names the account for every command that names none.
const VARIABLE: &str = "EVERTOKEN_ACCOUNT";

#[derive(Debug, Args)]
pub(super) struct AccountArgument {
    /// The account; without it: EVERTOKEN_ACCOUNT, the default account, or the only one
    account: Option<AccountName>,
}

impl AccountArgument {
    /// `None`: the agent knows which one is meant.
    pub(super) fn name(self) -> Result<Option<AccountName>, Problem> {
        named(self.account)
    }
}

/// The account that an argument names, or else the environment.
pub(crate) fn named(argument: Option<AccountName>) -> Result<Option<AccountName>, Problem> {
    if argument.is_some() {
        return Ok(argument);
    }
    let Some(value) = environment::variable(VARIABLE) else { return Ok(None) };
    value.to_string_lossy().parse().map(Some).map_err(|error| {
        let detail = format!("{VARIABLE} cannot be used: {error}.");
        Problem::new(ProblemKind::InvalidInput, detail, "Set it to the name of an account, or unset it.")
    })
}
