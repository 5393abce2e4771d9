use std::time::Duration;

use evertoken_client::{Client, connect_or_start};
use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::status::{State, StatusReport};
use evertoken_core::config::paths::Paths;
use tokio::time::{Instant, timeout_at};

use super::Finding;

const CHECK: &str = "agent";
/// An agent that was just started reads the keychain first, and gives that 5 s.
const SETTLED_WITHIN: Duration = Duration::from_secs(6);

/// How the agent was met.
#[derive(Debug)]
pub(super) enum Reached {
    Running(StatusReport),
    Started(StatusReport),
    Not(Problem),
}

impl Reached {
    pub(super) fn report(&self) -> Option<&StatusReport> {
        match self {
            Self::Running(report) | Self::Started(report) => Some(report),
            Self::Not(_) => None,
        }
    }

    /// What only the agent can see; `None` when it is not there, or of a version that does not tell.
    pub(super) async fn diagnosis(&self, paths: &Paths) -> Option<Diagnosis> {
        self.report()?;
        Client::connect(paths).await.ok()?.diagnosis().await.ok()
    }
}

/// Asks the agent how things are; starts it when none runs.
pub(super) async fn reach(paths: &Paths) -> Reached {
    let was_running = Client::connect(paths).await.is_ok();
    match ask(paths, was_running).await {
        Ok(report) if was_running => Reached::Running(report),
        Ok(report) => Reached::Started(report),
        Err(problem) => Reached::Not(problem),
    }
}

async fn ask(paths: &Paths, was_running: bool) -> Result<StatusReport, Problem> {
    let deadline = Instant::now() + SETTLED_WITHIN;
    let client = connect_or_start(paths).await?;
    let mut report = client.status().await?;
    if !was_running {
        let mut events = client.events().await?;
        while report.accounts.iter().any(|account| account.state == State::Refreshing)
            && let Ok(Some(Ok(next))) = timeout_at(deadline, events.next()).await
        {
            report = next;
        }
    }
    Ok(report)
}

pub(super) fn verdict(reached: &Reached, diagnosis: Option<&Diagnosis>, own_version: &str) -> Finding {
    let (report, how) = match reached {
        Reached::Running(report) => (report, "runs"),
        Reached::Started(report) => (report, "was not running and has been started"),
        Reached::Not(problem) => return Finding::fail(CHECK, &problem.detail, &problem.advice),
    };
    let (version, pid) = (&report.agent.version, report.agent.pid);
    let restart = "Restart it: run `evertoken agent stop`, and the next command starts it again.";
    if version != own_version {
        let what = format!("The agent is version {version}, and this command is version {own_version}.");
        return Finding::warn(CHECK, what, restart);
    }
    if diagnosis.is_some_and(|diagnosis| diagnosis.program_replaced) {
        let what = format!("The agent's program was replaced or removed, and process {pid} still runs the old one.");
        return Finding::warn(CHECK, what, restart);
    }
    Finding::ok(CHECK, format!("Version {version} {how} (process {pid})."))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::report;
    use super::*;
    use evertoken_core::api::problem::ProblemKind;

    #[test]
    fn an_agent_that_was_left_running_over_an_update_is_named() {
        let reached = Reached::Running(report(Vec::new()));
        assert_eq!(verdict(&reached, None, "0.1.0").verdict, Verdict::Ok);
        let replaced = Diagnosis { program_replaced: true, ..Diagnosis::default() };
        let finding = verdict(&reached, Some(&replaced), "0.1.0");
        assert!(finding.verdict == Verdict::Warn && finding.what.contains("was replaced"), "{finding:?}");
        let finding = verdict(&reached, None, "0.2.0");
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.what.contains("0.1.0") && finding.what.contains("0.2.0"), "{finding:?}");
    }

    #[test]
    fn an_agent_that_cannot_start_says_why() {
        let problem = Problem::new(ProblemKind::AgentUnavailable, "It could not be started.", "Mend it.");
        assert_eq!(
            verdict(&Reached::Not(problem), None, "0.1.0"),
            Finding::fail(CHECK, "It could not be started.", "Mend it.")
        );
    }
}
