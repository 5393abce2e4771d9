//! What every way of signing in works with.

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{SignInEvent, SignInPrompt};
use evertoken_core::login::token_store::Credential;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::token_response::Grant;
use tokio::sync::watch;

use super::dropped::SignInServer;
use super::listener::Ending;
use crate::request::SignInEvents;

/// What a sign-in works with.
pub(super) struct SignInContext {
    pub(super) name: AccountName,
    pub(super) at: SignInServer,
    pub(super) events: SignInEvents,
    /// How it ends, once the login is stored.
    pub(super) ending: watch::Receiver<Ending>,
}

impl SignInContext {
    pub(super) fn prompt(&self, prompt: SignInPrompt) {
        // A listener that has gone ends the sign-in.
        let _ = self.events.send(SignInEvent::Prompt(prompt));
    }

    pub(super) fn problem(&self, kind: ProblemKind, reason: &str, advice: &str) -> Problem {
        Problem::new(kind, format!("{}: not signed in, because {reason}; nothing was changed.", self.name), advice)
    }

    pub(super) fn credential(&self, grant: &Grant, client_secret: Option<ClientSecret>) -> Result<Credential, Problem> {
        let Grant { refresh_token, user_id, .. } = grant.clone();
        let refresh_token = refresh_token.ok_or_else(|| {
            self.problem(
                ProblemKind::ClientRefused,
                "the server gave no refresh token",
                "Ask for one: many servers want --parameter scope=offline_access, some --parameter prompt=consent or \
                 --parameter access_type=offline, and a client that may refresh.",
            )
        })?;
        Ok(Credential { refresh_token, client_secret, user_id })
    }

    /// Something that a server which says that it offers this way does not lack.
    pub(super) fn lacks(&self, what: &str) -> Problem {
        let advice = if what == "login_command" {
            "Add a login_command to the account in config.toml, or sign in another way."
        } else if self.at.server.issuer.is_some() {
            "The server does not offer this way, or wants a client ID: sign in another way, or give a refresh token."
        } else {
            "Give the server with --issuer and --client-id, or add it to the account in config.toml."
        };
        self.problem(ProblemKind::InvalidInput, &format!("the account has no {what}"), advice)
    }
}
