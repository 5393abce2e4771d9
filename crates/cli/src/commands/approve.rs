use std::path::{Path, PathBuf};

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
    program: Option<PathBuf>,
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
        let (account, program) = match self.program {
            Some(path) => (account, program_at(&path)?),
            None => the_one_that_waits(client.status().await?.accounts, account.as_ref())?,
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

/// Programs are known by their own files: a link stands for what it leads to. A program that was removed can still be named.
fn program_at(path: &Path) -> Result<Program, Problem> {
    // Windows would write the path in a way in which it names no program.
    let file = if cfg!(windows) { std::path::absolute(path) } else { path.canonicalize() };
    match file {
        Ok(file) => Ok(Program::at(file.as_os_str().as_encoded_bytes())),
        Err(_) if path.is_absolute() => Ok(Program::new(path.to_string_lossy())),
        Err(_) => Err(Problem::new(
            ProblemKind::InvalidInput,
            format!("There is no program {}.", plain(&path.to_string_lossy())),
            "Name it by the path of its file, as `evertoken access` and `command -v` show it.",
        )),
    }
}

/// Where no account is named and none is the default, any of them can be meant.
fn the_one_that_waits(
    accounts: Vec<AccountStatus>,
    account: Option<&AccountName>,
) -> Result<(Option<AccountName>, Program), Problem> {
    let has_default = accounts.iter().any(|status| status.default);
    let is_meant = |status: &AccountStatus| match account {
        Some(account) => status.name == *account,
        None => status.default || !has_default,
    };
    let waiting = accounts.into_iter().filter(is_meant);
    let waiting = waiting
        .flat_map(|status| status.approvals.into_iter().map(move |program| (Some(status.name.clone()), program)));
    match waiting.collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Problem::new(
            ProblemKind::InvalidInput,
            "No program is waiting for approval.",
            "Name it by the path of its file, or another account with --account.",
        )),
        several => {
            let names: Vec<_> = several.iter().map(|(_, program)| program.as_str()).collect();
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

    #[cfg(unix)]
    #[test]
    fn a_program_is_known_by_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let (program, link) = (folder.path().canonicalize().unwrap().join("program"), folder.path().join("link"));
        std::fs::write(&program, "").unwrap();
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert_eq!(program_at(&link).unwrap().as_str(), program.to_str().unwrap());
        assert_eq!(program_at(Path::new("/no/such")).unwrap().as_str(), "/no/such");
        for unknown in ["", "no-such-program", "~/program"] {
            assert!(program_at(Path::new(unknown)).unwrap_err().detail.contains("There is no program"), "{unknown}");
        }
    }

    fn waiting(programs: &[&str]) -> Vec<AccountStatus> {
        let approvals = programs.iter().copied().map(Program::new).collect();
        vec![AccountStatus { approvals, default: true, ..account("a", State::Valid) }]
    }

    #[test]
    fn without_a_name_only_the_one_program_can_be_meant() {
        let meant = (Some("a".parse().unwrap()), Program::new("/x"));
        assert_eq!(the_one_that_waits(waiting(&["/x"]), None).unwrap(), meant);
        assert!(the_one_that_waits(waiting(&[]), None).is_err());
        assert!(the_one_that_waits(waiting(&["/x", "/y"]), None).unwrap_err().detail.contains("/x, /y"));
        assert!(the_one_that_waits(waiting(&["/x"]), Some(&"b".parse().unwrap())).is_err());
        let without_default =
            [account("b", State::Valid), waiting(&["/x"]).remove(0)].map(|one| AccountStatus { default: false, ..one });
        assert_eq!(the_one_that_waits(without_default.into(), None).unwrap(), meant);
    }
}
