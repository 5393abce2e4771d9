//! A program of the person's own that prints a refresh token or a token response. It is named in the person's
//! configuration alone, run when the person asks for it, and without a shell.

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

pub(super) async fn sign_in(context: &SignInContext) -> Result<Credential, Problem> {
    let Some((program, arguments)) = context.at.server.login_command.split_first() else {
        return Err(context.lacks("login_command"));
    };
    let within = SignedDuration::try_from(TIMEOUT).unwrap_or_default();
    context.prompt(SignInPrompt::Command { expires_at: Timestamp::now() + within });
    info!(account = %context.name, program, "running the sign-in command");
    let failed = |reason: &str| {
        let advice = format!("Run it yourself to see what it says: {program}");
        context.problem(ProblemKind::Failed, &format!("the sign-in command {program} {reason}"), &advice)
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
    let mut printed = String::new();
    if let Some(stdout) = group.0.stdout.take() {
        let read = stdout.take(LONGEST_CREDENTIAL as u64 + 1).read_to_string(&mut printed).await;
        read.map_err(|_| "printed something that is not text".to_owned())?;
    }
    if printed.len() > LONGEST_CREDENTIAL {
        return Err("printed more than 64 KiB".to_owned());
    }
    let status = group.0.wait().await.map_err(|error| format!("was lost: {error}"))?;
    match status.code() {
        Some(0) => Ok(printed),
        Some(code) => Err(format!("failed with the exit code {code}")),
        None => Err("was ended by a signal".to_owned()),
    }
}
