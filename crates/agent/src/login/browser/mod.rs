//! A browser on this machine: authorization code, PKCE, loopback redirect (RFC 8252).

mod callback;
mod page;

use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken_core::api::login_problem::sign_in_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInPrompt;
use evertoken_core::oauth::authorization_code::{Authorization, CallbackRefusal, RANDOM_BYTES};
use evertoken_core::oauth::metadata::Issuer;
use evertoken_core::oauth::token_response::Grant;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use self::callback::{Callback, receive};
use super::Desk;
use crate::desktop::browser;
use crate::http::discovery::discover;
use crate::http::token_endpoint;
use crate::system::fail_point::fail_point;

/// How long a person may take at the server.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How long the server's metadata is waited for before the browser opens. A person waits.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn sign_in(desk: &Desk) -> Result<Grant, Problem> {
    let endpoint = desk.account.authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| desk.lacks("authorization_endpoint"))?;
    if desk.account.client_id.as_deref().is_none_or(str::is_empty) {
        return Err(desk.lacks("client_id"));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| no_listener(desk, &error))?;
    let port = listener.local_addr().map_err(|error| no_listener(desk, &error))?.port();
    let random = || random().map_err(|error| no_listener(desk, &error));
    let authorization = Authorization::new(random()?, random()?, port);
    // The address at the server has the state in it, and what opens a browser shows its arguments to every program. So
    // the browser is opened here, and sent on.
    let path = format!("/{}", URL_SAFE_NO_PAD.encode(random()?));
    let url = format!("http://127.0.0.1:{port}{path}");
    let callback = Callback {
        location: authorization.url(&desk.account, endpoint),
        authorization,
        path,
        host: format!("127.0.0.1:{port}"),
        issuer: desk.account.issuer.clone(),
        names_issuer: names_issuer(desk.account.issuer.as_ref()).await,
    };
    let opened = browser::open(&url);
    let within = SignedDuration::try_from(TIMEOUT).unwrap_or_default();
    desk.prompt(SignInPrompt::Browser { url, opened, expires_at: Timestamp::now() + within });
    let received = tokio::time::timeout(TIMEOUT, receive(listener, callback)).await;
    let (authorization, code) = match received {
        Ok(Ok(received)) => received,
        Ok(Err(refusal)) => return Err(refused(desk, &refusal)),
        Err(_) => {
            let reason = "nobody signed in within five minutes";
            return Err(desk.problem(ProblemKind::LoginRefused, reason, "Sign in again."));
        }
    };
    fail_point("before-code");
    let grant = authorization.grant(&code);
    let granted = token_endpoint::present(&desk.account, grant, desk.client_secret.as_ref()).await;
    fail_point("after-code");
    granted.map_err(|failure| sign_in_problem(&desk.name, &failure))
}

/// Does the server say that its every answer names it (RFC 9207 section 3)? One that cannot be asked now has not said so.
async fn names_issuer(issuer: Option<&Issuer>) -> bool {
    let Some(issuer) = issuer else { return false };
    let metadata = tokio::time::timeout(METADATA_TIMEOUT, discover(issuer)).await;
    metadata.is_ok_and(|read| read.is_ok_and(|metadata| metadata.names_issuer_in_callbacks))
}

fn random() -> Result<[u8; RANDOM_BYTES], std::io::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

fn no_listener(desk: &Desk, error: &std::io::Error) -> Problem {
    let reason = format!("no port of this machine can be listened on for the browser: {error}");
    desk.problem(ProblemKind::Failed, &reason, "Sign in with a code on another device: evertoken login --device.")
}

fn refused(desk: &Desk, refusal: &CallbackRefusal) -> Problem {
    desk.problem(refusal.problem_kind(), &refusal.in_words(), refusal.advice())
}
