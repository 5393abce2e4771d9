//! A program of the person's own that prints a refresh token or a token response. It is named in the person's
//! configuration alone, run when the person asks for it, and without a shell.

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInPrompt;
use evertoken_core::login::token_store::Credential;
use evertoken_core::oauth::token_response::{LONGEST_CREDENTIAL, read_credential, user_id_in};
use jiff::{SignedDuration, Timestamp};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tracing::info;

use super::context::SignInContext;
use crate::system::children::keep_variables_from;
use crate::system::process_group::ProcessGroup;

/// How long it may take: it may have a sign-in of its own to do.
const TIMEOUT: Duration = Duration::from_secs(300);
/// What it printed before it ended is there at once. A browser that it started may hold its output open for hours.
const READ_AFTER_ITS_END: Duration = Duration::from_millis(500);

pub(super) async fn sign_in(context: &SignInContext) -> Result<Credential, Problem> {
    let Some((program, arguments)) = context.at.server.login_command.split_first() else {
        return Err(context.lacks("login_command"));
    };
    let within = SignedDuration::try_from(TIMEOUT).unwrap_or_default();
    context.prompt(SignInPrompt::Command { expires_at: Timestamp::now() + within });
    info!(account = %context.name, program, "running the sign-in command");
    let failed = |reason: &str| {
        let advice = "Run the account's login_command, as config.toml has it, in a terminal to see what it says.";
        context.problem(ProblemKind::Failed, &format!("the sign-in command {program} {reason}"), advice)
    };
    let printed = match tokio::time::timeout(TIMEOUT, printed(program, arguments)).await {
        Ok(Ok(printed)) => printed,
        Ok(Err(reason)) => return Err(failed(&reason)),
        Err(_) => return Err(failed("did not end within five minutes")),
    };
    let refresh_token = read_credential(&printed).map_err(|error| failed(&format!("printed no login: {error}")))?;
    Ok(Credential { refresh_token, client_secret: None, user_id: user_id_in(&printed) })
}

/// What it printed, if it ended well.
async fn printed(program: &str, arguments: &[String]) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped());
    keep_variables_from(command.as_std_mut());
    let mut group = ProcessGroup::spawn(command).await.map_err(|error| format!("cannot be run: {error}"))?;
    let stdout = group.0.stdout.take();
    let mut printed = Vec::new();
    let ended = {
        let mut reading = pin!(async {
            if let Some(stdout) = stdout {
                let _ = stdout.take(LONGEST_CREDENTIAL as u64 + 1).read_to_end(&mut printed).await;
            }
        });
        tokio::select! {
            () = &mut reading => None,
            status = group.0.wait() => {
                let _ = tokio::time::timeout(READ_AFTER_ITS_END, reading).await;
                Some(status)
            }
        }
    };
    if printed.len() > LONGEST_CREDENTIAL {
        return Err("printed more than 64 KiB".to_owned());
    }
    let status = match ended {
        Some(status) => status,
        None => group.0.wait().await,
    };
    let status = status.map_err(|error| format!("was lost: {error}"))?;
    match status.code() {
        Some(0) => String::from_utf8(printed).map_err(|_| "printed something that is not text".to_owned()),
        Some(code) => Err(format!("failed with the exit code {code}")),
        None => Err("was ended by a signal".to_owned()),
    }
}
