//! Sign-ins that bring their tokens themselves: with a browser, with a code on another device, with the person's own
//! command.

use evertoken_core::account::AccountName;
use evertoken_core::api::login_problem::keychain_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{SignInEvent, SignInPrompt};
use evertoken_core::login::token_store::Credential;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::origin::Bound;
use evertoken_core::oauth::server::{Server, SignInMethod};
use evertoken_core::oauth::token_response::Grant;
use tokio::sync::watch;

use super::listener::Ending;
use super::{SignInEvents, browser, command, device};
use crate::rotation::AccountContext;
use crate::store::account_lock::AccountLock;

/// What a sign-in works with.
pub(super) struct SignInContext {
    pub(super) name: AccountName,
    pub(super) server: Server,
    pub(super) client_secret: Option<Bound<ClientSecret>>,
    events: SignInEvents,
    /// How it ends, once the login is stored.
    pub(super) ending: watch::Receiver<Ending>,
}

/// Signs in at this server, for as long as the caller waits.
pub(super) async fn obtain(
    method: SignInMethod,
    account: &AccountContext,
    server: &Server,
    given: Option<ClientSecret>,
    events: SignInEvents,
    ending: watch::Receiver<Ending>,
) -> Result<Credential, Problem> {
    let secret = prepare(account, server, given.clone()).await?;
    let client_secret = secret.map(|secret| Bound::new(secret, server.origins()));
    let context = SignInContext { name: account.name.clone(), server: server.clone(), client_secret, events, ending };
    let credential = match method {
        SignInMethod::Browser => context.credential(browser::sign_in(&context).await?)?,
        SignInMethod::Device => context.credential(device::sign_in(&context).await?)?,
        SignInMethod::Command => command::sign_in(&context).await?,
    };
    Ok(Credential { client_secret: given, ..credential })
}

/// Before a person is sent anywhere: what comes back can be stored, and the client has its secret.
async fn prepare(
    account: &AccountContext,
    server: &Server,
    given: Option<ClientSecret>,
) -> Result<Option<ClientSecret>, Problem> {
    /// About as long as a token.
    const PROBE: usize = 2048;
    let locked_out = |problem| keychain_problem(&account.name, problem);
    let _lock = AccountLock::acquire(account.lock.clone()).await?;
    account.tokens.prove_writable(PROBE).await.map_err(locked_out)?;
    let left = account.tokens.client_secret_left().await.map_err(locked_out)?;
    let tokens = account.tokens.read().await.map_err(locked_out)?;
    tokens.client_secret_for(server, given, left.as_ref()).map_err(locked_out)
}

impl SignInContext {
    pub(super) fn prompt(&self, prompt: SignInPrompt) {
        // A listener that has gone ends the sign-in.
        let _ = self.events.send(SignInEvent::Prompt(prompt));
    }

    pub(super) fn problem(&self, kind: ProblemKind, reason: &str, advice: &str) -> Problem {
        Problem::new(kind, format!("{}: not signed in, because {reason}; nothing was changed.", self.name), advice)
    }

    fn credential(&self, grant: Grant) -> Result<Credential, Problem> {
        let Grant { refresh_token, user_id, .. } = grant;
        let refresh_token = refresh_token.ok_or_else(|| {
            self.problem(
                ProblemKind::ClientRefused,
                "the server gave no refresh token",
                "Ask for one: many servers want --parameter scope=offline_access, some --parameter prompt=consent or \
                 --parameter access_type=offline, and a client that may refresh.",
            )
        })?;
        Ok(Credential { refresh_token, client_secret: None, user_id })
    }

    /// Something that a server which says that it offers this way does not lack.
    pub(super) fn lacks(&self, what: &str) -> Problem {
        let advice = if self.server.issuer.is_some() {
            "The server does not offer this way, or wants a client ID: sign in another way, or give a refresh token."
        } else {
            "Give the server with --issuer and --client-id, or add it to the account in config.toml."
        };
        self.problem(ProblemKind::InvalidInput, &format!("the account has no {what}"), advice)
    }
}
