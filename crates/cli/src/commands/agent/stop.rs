//! Ends the agent that runs, as a service manager would.

use std::time::Duration;

use evertoken_client::Client;
use evertoken_core::api::problem::{Problem, ProblemKind};

use super::super::paths;
use crate::failure::Failure;
use crate::output;

/// The agent finishes a refresh that is under way, within 40 s.
const ENDS_WITHIN: Duration = Duration::from_secs(45);
const REAPED_WITHIN: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(10);

pub(super) async fn stop() -> Result<(), Failure> {
    let Some(client) = Client::connect_if_running(&paths()?).await? else {
        return output::line("No agent is running.");
    };
    let pid = client.status().await?.agent.pid;
    if !is_an_agent(pid) {
        let detail = "The agent that answers runs on another machine, or in a container; it was not stopped.";
        return Err(Problem::new(ProblemKind::Failed, detail, "Run this command where the agent runs.").into());
    }
    // The agent ends its streams when it ends; followed first, so that its end is not missed.
    let mut events = client.events().await?;
    terminate(pid)?;
    let ended = async { while let Some(Ok(_)) = events.next().await {} };
    if tokio::time::timeout(ENDS_WITHIN, ended).await.is_err() {
        return Err(Problem::new(
            ProblemKind::Failed,
            format!("The agent (process {pid}) is still running: a new login may be only in its memory."),
            "Unlock the keychain; the agent then stops. Running this command again loses that login.",
        )
        .into());
    }
    // Its streams end a moment before its socket does. Who reaps it may take longer than that.
    let _ = tokio::time::timeout(REAPED_WITHIN, until_gone(pid)).await;
    output::line("The agent has stopped. The next command starts it again.")
}

/// A forwarded socket leads to an agent whose process id means another process here.
#[cfg(target_os = "linux")]
fn is_an_agent(pid: u32) -> bool {
    // Its `exe` is root's to read: the agent closes itself to other processes. The kernel keeps 15 bytes of the name.
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_end() == "evertoken-agent")
}

/// The system tells it to unsafe code alone.
#[cfg(not(target_os = "linux"))]
const fn is_an_agent(_pid: u32) -> bool {
    true
}

async fn until_gone(pid: u32) {
    while is_running(pid) {
        tokio::time::sleep(GLANCE).await;
    }
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

#[cfg(not(unix))]
const fn is_running(_pid: u32) -> bool {
    false
}

#[cfg(unix)]
fn terminate(pid: u32) -> Result<(), Problem> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let sent = pid.ok_or(rustix::io::Errno::SRCH).and_then(|pid| kill_process(pid, Signal::TERM));
    sent.map_err(|error| {
        let detail = format!("The agent cannot be told to stop: {error}.");
        Problem::new(ProblemKind::Failed, detail, "Stop it where it was started, such as with systemctl.")
    })
}

/// Asks its windows to close, as the system itself does.
#[cfg(not(unix))]
fn terminate(pid: u32) -> Result<(), Problem> {
    let mut taskkill = std::process::Command::new("taskkill");
    taskkill.args(["/PID", &pid.to_string()]).stdout(std::process::Stdio::null());
    if taskkill.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Failed, "The agent cannot be told to stop.", "Choose Quit in the tray."))
}
