//! Follows the agent's event stream, over restarts of the agent.

use std::time::{Duration, Instant};

use evertoken_client::{Client, connect_or_start};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::status::StatusReport;
use evertoken_core::config::paths::Paths;
use tokio::sync::watch;

/// What the window knows of the agent.
#[derive(Debug)]
pub(crate) enum AgentView {
    /// Nothing yet.
    Nothing,
    /// It cannot be reached.
    Trouble(Problem),
    /// Its newest report.
    Report(StatusReport),
    /// A person has told it to quit.
    Quit,
}

/// An agent that restarts is back within a second; until then the page stays as it is.
const RESTARTS_WITHIN: Duration = Duration::from_secs(2);
/// Between two attempts to reach the agent: from the first, doubling to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Starts to follow.
pub(crate) fn begin(paths: Paths) -> watch::Sender<AgentView> {
    let (known, _) = watch::channel(AgentView::Nothing);
    tauri::async_runtime::spawn(follow(paths, known.clone()));
    known
}

async fn follow(paths: Paths, known: watch::Sender<AgentView>) {
    let mut lost: Option<Instant> = None;
    let mut wait = FIRST_WAIT;
    loop {
        // The window starts the agent once. Whoever ended it afterwards, by Quit in the tray, meant it.
        let heard = match listen(&paths, &known, lost.is_none()).await {
            Ended::ByAPerson => return,
            Ended::AfterReports => {
                lost = Some(Instant::now());
                wait = FIRST_WAIT;
                None
            }
            Ended::Before(problem) => Some(problem),
        };
        let lost = *lost.get_or_insert_with(Instant::now);
        let never_seen = matches!(*known.borrow(), AgentView::Nothing);
        if let Some(problem) = heard
            && (never_seen || lost.elapsed() >= RESTARTS_WITHIN)
        {
            known.send_replace(AgentView::Trouble(problem));
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// How a stream ended.
enum Ended {
    ByAPerson,
    AfterReports,
    Before(Problem),
}

async fn listen(paths: &Paths, known: &watch::Sender<AgentView>, may_start: bool) -> Ended {
    let client = if may_start { connect_or_start(paths).await } else { Client::connect(paths).await };
    let events = match client {
        Ok(client) => client.events().await,
        Err(problem) => Err(problem),
    };
    let mut events = match events {
        Ok(events) => events,
        Err(problem) => return Ended::Before(problem),
    };
    let mut ended = Ended::Before(broke_off());
    while let Some(next) = events.next().await {
        match next {
            Ok(report) if report.agent.quitting => {
                known.send_replace(AgentView::Quit);
                return Ended::ByAPerson;
            }
            Ok(report) => {
                known.send_replace(AgentView::Report(report));
                ended = Ended::AfterReports;
            }
            Err(problem) => return Ended::Before(problem),
        }
    }
    ended
}

fn broke_off() -> Problem {
    Problem::new(
        ProblemKind::AgentUnavailable,
        "The agent ended before it told how things are.",
        "The window tries again by itself.",
    )
}
