//! Sign-ins that bring their tokens themselves: with a browser, with a code on another device, with the person's own
//! command. What they bring is then proven and stored as a refresh token that a person gave.

mod browser;
mod command;
mod device;

use evertoken_core::account::{Account, AccountName, SignInWay};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{SignInEvent, SignInPrompt};
use evertoken_core::login::session::keychain_problem;
use evertoken_core::login::token_store::KeychainProblem;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::token::RefreshToken;
use evertoken_core::oauth::token_response::Grant;
use tokio::sync::{mpsc, oneshot};

use crate::rotation::Workplace;
use crate::store::account_lock::AccountLock;

/// Who follows a sign-in.
pub(crate) type Follower = mpsc::UnboundedSender<SignInEvent>;

/// What a sign-in brought.
pub(crate) struct Obtained {
    pub(crate) refresh_token: RefreshToken,
    pub(crate) user_id: Option<String>,
}

/// What a sign-in works with.
struct Desk {
    name: AccountName,
    account: Account,
    client_secret: Option<ClientSecret>,
    follower: Follower,
}

/// Signs in, for as long as somebody follows and `wanted` is held. `None`: nobody does any more.
pub(crate) async fn sign_in(
    way: SignInWay,
    place: Workplace,
    given: Option<ClientSecret>,
    follower: Follower,
    wanted: oneshot::Receiver<()>,
) -> Option<Result<Obtained, Problem>> {
    let followed = follower.clone();
    tokio::select! {
        obtained = obtain(way, place, given, follower) => Some(obtained),
        () = followed.closed() => None,
        _ = wanted => None,
    }
}

async fn obtain(
    way: SignInWay,
    place: Workplace,
    given: Option<ClientSecret>,
    follower: Follower,
) -> Result<Obtained, Problem> {
    let client_secret = prepare(&place, given).await?;
    let desk = Desk { name: place.name, account: place.account, client_secret, follower };
    match way {
        SignInWay::Browser => desk.obtained(browser::sign_in(&desk).await?),
        SignInWay::Device => desk.obtained(device::sign_in(&desk).await?),
        SignInWay::Command => command::sign_in(&desk).await,
    }
}

/// Before a person is sent anywhere: what comes back can be stored, and the client has its secret.
async fn prepare(place: &Workplace, given: Option<ClientSecret>) -> Result<Option<ClientSecret>, Problem> {
    /// About as long as a token.
    const PROBE: usize = 2048;
    let locked_out = |problem| keychain_problem(&place.name, problem);
    let _lock = AccountLock::acquire(place.lock.clone()).await?;
    place.vault.prove_writable(PROBE).await.map_err(locked_out)?;
    if given.is_some() || !place.account.token_endpoint_auth_method.needs_secret() {
        return Ok(given);
    }
    let generation = place.vault.read().await.map_err(locked_out)?.found().current().map(|current| current.generation);
    let secrets = place.vault.read_client_secrets().await.map_err(locked_out)?;
    let kept = secrets.for_generation(generation.unwrap_or(u64::MAX)).cloned();
    kept.map(Some).ok_or_else(|| locked_out(KeychainProblem::NoClientSecret))
}

impl Desk {
    fn prompt(&self, prompt: SignInPrompt) {
        // Who has gone ends the sign-in.
        let _ = self.follower.send(SignInEvent::Prompt(prompt));
    }

    fn problem(&self, kind: ProblemKind, reason: &str, advice: &str) -> Problem {
        Problem::new(kind, format!("{}: not signed in, because {reason}; nothing was changed.", self.name), advice)
    }

    fn obtained(&self, grant: Grant) -> Result<Obtained, Problem> {
        let Grant { refresh_token, user_id, .. } = grant;
        let refresh_token = refresh_token.ok_or_else(|| {
            self.problem(
                ProblemKind::ClientRefused,
                "the server gave no refresh token",
                "Ask for one: many servers want --parameter 'scope=offline_access', and a client that may refresh.",
            )
        })?;
        Ok(Obtained { refresh_token, user_id })
    }

    /// Something that a server which says that it offers this way does not lack.
    fn lacks(&self, what: &str) -> Problem {
        let advice = if self.account.issuer.is_some() {
            "The server does not offer this way, or wants a client ID: sign in another way, or give a refresh token."
        } else {
            "Give the server with --issuer and --client-id, or add it to the account in config.toml."
        };
        self.problem(ProblemKind::InvalidInput, &format!("the account has no {what}"), advice)
    }
}
