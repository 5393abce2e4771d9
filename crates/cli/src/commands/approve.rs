use clap::Args;
use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Program;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::Approval;
use evertoken_core::api::status::AccountStatus;

use super::account_argument::named;
use super::agent_client;
use crate::failure::Failure;
use crate::output::{self, plain};

/// Allow a program that wants access tokens, or deny it
///
/// For accounts with `require_approval`. Without a program: the one that is waiting. The decision is kept in config.toml
/// and holds until you decide otherwise.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken approve                              the program that is waiting
  evertoken approve --account Production /usr/bin/python3.11
  evertoken approve --deny /usr/bin/nc
  evertoken account set Production --require-approval off    never ask again")]
pub(crate) struct Approve {
    /// The program, by the path of its file; may be left out when one is waiting
    program: Option<String>,
    /// The account; without it: EVERTOKEN_ACCOUNT, the default account, or the only one
    #[arg(long)]
    account: Option<AccountName>,
    /// Deny it instead
    #[arg(long)]
    deny: bool,
    /// Print the account as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Approve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let account = named(self.account)?;
        let program = match self.program {
            Some(path) => Program::new(path),
            None => the_one_that_waits(&client.status().await?.accounts, account.as_ref())?,
        };
        let approval = Approval { program, allow: !self.deny };
        let changed = client.approve(account.as_ref(), &approval).await?;
        if self.json {
            return output::json(&changed);
        }
        let may = if approval.allow { "may" } else { "may not" };
        output::line(format_args!("{} {may} read access tokens of {}.", plain(approval.program.as_str()), changed.name))
    }
}

fn the_one_that_waits(accounts: &[AccountStatus], account: Option<&AccountName>) -> Result<Program, Problem> {
    let is_meant = |status: &&AccountStatus| account.map_or(status.default, |account| status.name == *account);
    let waiting: Vec<_> = accounts.iter().filter(is_meant).flat_map(|status| &status.approvals).collect();
    match waiting.as_slice() {
        [program] => Ok((*program).clone()),
        [] => Err(Problem::new(
            ProblemKind::InvalidInput,
            "No program is waiting for approval.",
            "Name it by the path of its file, or another account with --account.",
        )),
        several => {
            let names: Vec<_> = several.iter().map(|program| program.as_str()).collect();
            let detail = format!("Several programs are waiting: {}.", names.join(", "));
            Err(Problem::new(ProblemKind::InvalidInput, detail, "Name the one that you mean."))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::commands::status::tests::account;
    use evertoken_core::api::status::State;

    fn waiting(programs: &[&str]) -> Vec<AccountStatus> {
        let approvals = programs.iter().copied().map(Program::new).collect();
        vec![AccountStatus { approvals, default: true, ..account("a", State::Valid) }]
    }

    #[test]
    fn without_a_name_only_the_one_program_can_be_meant() {
        assert_eq!(the_one_that_waits(&waiting(&["/x"]), None).unwrap().as_str(), "/x");
        assert!(the_one_that_waits(&waiting(&[]), None).is_err());
        assert!(the_one_that_waits(&waiting(&["/x", "/y"]), None).unwrap_err().detail.contains("/x, /y"));
        assert!(the_one_that_waits(&waiting(&["/x"]), Some(&"b".parse().unwrap())).is_err());
    }
}
