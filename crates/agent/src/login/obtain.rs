//! Sign-ins that bring their tokens themselves: with a browser, with a code on another device, with the person's own
//! command.

use evertoken_core::api::login_problem::login_problem;
use evertoken_core::api::problem::Problem;
use evertoken_core::login::token_store::Credential;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::origin::Bound;
use evertoken_core::oauth::server::{Server, SignInMethod};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::browser::Pasted;
use super::context::SignInContext;
use super::dropped::SignInServer;
use super::listener::Ending;
use super::{browser, command, device};
use crate::request::SignInEvents;
use crate::rotation::AccountContext;
use crate::store::account_lock::AccountLock;

/// What a sign-in brought.
pub(super) struct Obtained {
    pub(super) credential: Credential,
    /// The server that gave it to this sign-in alone. A command's person may have it too.
    pub(super) ours: Option<Ours>,
}

/// Where a sign-in's tokens are from, and since when.
pub(super) struct Ours {
    pub(super) at: SignInServer,
    pub(super) since: Instant,
}

/// Signs in at this server, for as long as the caller waits.
pub(super) async fn obtain(
    method: SignInMethod,
    account: &AccountContext,
    server: &Server,
    given: Option<ClientSecret>,
    events: SignInEvents,
    mut pasted: mpsc::UnboundedReceiver<Pasted>,
    ending: watch::Receiver<Ending>,
) -> Result<Obtained, Problem> {
    let secret = prepare(account, server, given.clone()).await?;
    let client_secret = secret.map(|secret| Bound::new(secret, server.origins()));
    let at = SignInServer { server: server.clone(), client_secret };
    let context = SignInContext { name: account.name.clone(), at, events, ending };
    let grant = match method {
        SignInMethod::Browser => browser::sign_in(&context, &mut pasted).await?,
        SignInMethod::Device => device::sign_in(&context).await?,
        SignInMethod::Command => {
            let credential = command::sign_in(&context).await?;
            return Ok(Obtained { credential: Credential { client_secret: given, ..credential }, ours: None });
        }
    };
    let since = Instant::now();
    match context.credential(&grant, given) {
        Ok(credential) => Ok(Obtained { credential, ours: Some(Ours { at: context.at, since }) }),
        Err(problem) => {
            context.at.drop_grant(&context.name, &grant).await;
            Err(problem)
        }
    }
}

/// Before a person is sent anywhere: what comes back can be stored, and the client has its secret.
async fn prepare(
    account: &AccountContext,
    server: &Server,
    given: Option<ClientSecret>,
) -> Result<Option<ClientSecret>, Problem> {
    /// About as long as a token.
    const PROBE: usize = 2048;
    let locked_out = |problem| login_problem(&account.name, &Failure::Keychain(problem));
    let _lock = AccountLock::acquire(account.lock.clone()).await?;
    account.tokens.prove_writable(PROBE).await.map_err(locked_out)?;
    let left = account.tokens.client_secret_left().await.map_err(locked_out)?;
    let tokens = account.tokens.read().await.map_err(locked_out)?;
    tokens.client_secret_for(server, given, left.as_ref()).map_err(locked_out)
}
