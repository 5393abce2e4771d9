//! Runs a person's own programs after something happened to a login.

use std::sync::LazyLock;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::config::HookEvent;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::agent::Agent;
use crate::system::children::keep_variables_from;
use crate::system::process_group::ProcessGroup;

/// A program that sends a message needs seconds.
const TIMEOUT: Duration = Duration::from_secs(30);
/// More at once could slow the machine down when many accounts change together; the others wait.
static RUNNING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(4));

impl Agent {
    /// It is not waited for at the end: what a hook does is not the agent's promise.
    pub(super) fn run_hook(&self, name: &AccountName, event: HookEvent) {
        let Some((program, arguments)) = self.configuration.hooks.command(event).split_first() else { return };
        let token = self.account(name).and_then(|managed| managed.session.access_token());
        let mut command = Command::new(program);
        keep_variables_from(command.as_std_mut());
        command
            .args(arguments)
            .stdout(std::process::Stdio::null())
            .envs(event.variables(name, token.map(|token| token.expires_at)));
        let (account, event, program) = (name.clone(), event.name(), program.clone());
        tokio::spawn(async move {
            let Ok(_permit) = RUNNING.acquire().await else { return };
            match run(command).await {
                Ok(()) => info!(%account, event, program, "the hook has run"),
                Err(reason) => warn!(%account, event, program, "the hook {reason}"),
            }
        });
    }
}

async fn run(command: Command) -> Result<(), String> {
    let mut group = ProcessGroup::spawn(command).await.map_err(|error| format!("cannot be run: {error}"))?;
    let ended = tokio::time::timeout(TIMEOUT, group.0.wait()).await;
    let status = ended.map_err(|_| format!("did not end within {} s and was ended", TIMEOUT.as_secs()))?;
    match status.map_err(|error| format!("was lost: {error}"))?.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("failed with the exit code {code}")),
        None => Err("was ended by a signal".to_owned()),
    }
}
