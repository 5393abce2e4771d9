use clap::Args;
use evertoken_client::environment::wall_clock;
use evertoken_core::account::AccountName;
use evertoken_core::account::approval::{Access as Entry, AccessOutcome, Program};
use evertoken_core::api::requests::AccessAnswer;
use evertoken_core::present::wall_clock::WallClock;

use super::agent_client;
use super::status::find;
use crate::failure::Failure;
use crate::output::{self, local, plain};

/// Show which programs asked for access tokens
///
/// The newest 1,000 since the agent began, the newest last, in your local time. `evertoken` asks on behalf of the
/// program that ran it. Who reads a token file is not known.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken access
  evertoken access Production --json | jq -r '.accesses[].program'")]
pub(crate) struct Access {
    /// Only this account
    account: Option<AccountName>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Access {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let client = agent_client().await?;
        let AccessAnswer { mut accesses } = client.accesses().await?;
        accesses.retain(|access| self.account.as_ref().is_none_or(|account| access.account == *account));
        if let (Some(_), true) = (&self.account, accesses.is_empty()) {
            find(client.status().await?, self.account.as_ref())?;
        }
        if self.json {
            return output::json(&AccessAnswer { accesses });
        }
        if accesses.is_empty() {
            return output::line("No program has asked for an access token since the agent began.");
        }
        let wall = wall_clock();
        accesses.iter().try_for_each(|access| output::line(in_words(access, &wall)))
    }
}

fn in_words(access: &Entry, wall: &WallClock) -> String {
    let Entry { at, account, caller, outcome, reason } = access;
    let at = wall.stamp(*at);
    let program = plain(caller.program.as_ref().map_or("an unknown program", Program::as_str));
    let pid = caller.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    let outcome = match outcome {
        AccessOutcome::Granted => "got a token",
        AccessOutcome::Unavailable => "got no token",
        AccessOutcome::Asked => "waits for a person",
        AccessOutcome::Denied => "was denied",
    };
    // The account is named already.
    let reason = reason.as_deref().map(|reason| reason.strip_prefix(&format!("{account}: ")).unwrap_or(reason));
    let reason = reason.map(|reason| format!(": {}", local(reason))).unwrap_or_default();
    format!("{at}  {account}  {program}{pid} {outcome}{reason}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use evertoken_core::account::approval::Caller;
    use jiff::Timestamp;

    #[test]
    fn a_line_says_when_who_and_what_became_of_it() {
        let caller = Caller { program: Some(Program::new("/usr/bin/cu\u{1b}rl")), pid: Some(7) };
        let account = "Production".parse().unwrap();
        let granted =
            Entry { at: Timestamp::UNIX_EPOCH, account, caller, outcome: AccessOutcome::Granted, reason: None };
        let said = in_words(&granted, &WallClock::UTC);
        assert_eq!(said, "1970-01-01 00:00:00  Production  /usr/bin/cu rl (pid 7) got a token");
        let reason = Some("Production: nobody is logged in.".to_owned());
        let said = in_words(&Entry { outcome: AccessOutcome::Unavailable, reason, ..granted }, &WallClock::UTC);
        assert!(said.ends_with("(pid 7) got no token: nobody is logged in."), "{said}");
    }
}
