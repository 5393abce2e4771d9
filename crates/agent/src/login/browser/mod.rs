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
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::token_request::token_request;
use evertoken_core::oauth::token_response::Grant;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use self::callback::{Callback, receive};
use super::context::SignInContext;
use crate::desktop::browser;
use crate::http::discovery::discover;
use crate::http::token_endpoint::ask_for_tokens;
use crate::system::fail_point::fail_point;

/// How long a person may take at the server.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How long the server's metadata is waited for before the browser opens. A person waits.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn sign_in(context: &SignInContext) -> Result<Grant, Problem> {
    let endpoint = context.server.authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| context.lacks("authorization_endpoint"))?;
    if context.server.client_id.as_deref().is_none_or(str::is_empty) {
        return Err(context.lacks("client_id"));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| no_listener(context, &error))?;
    let port = listener.local_addr().map_err(|error| no_listener(context, &error))?.port();
    let random = || random().map_err(|error| no_listener(context, &error));
    let authorization = Authorization::new(random()?, random()?, port);
    // The address at the server has the state in it, and what opens a browser shows its arguments to every program. So
    // the browser is opened here, and sent on.
    let path = format!("/{}", URL_SAFE_NO_PAD.encode(random()?));
    let url = format!("http://127.0.0.1:{port}{path}");
    let callback = Callback {
        location: authorization.url(&context.server, endpoint),
        authorization,
        path,
        host: format!("127.0.0.1:{port}"),
        issuer: context.server.issuer.clone(),
        names_issuer: names_issuer(context.server.issuer.as_ref()).await,
    };
    let opened = browser::open(&url);
    let within = SignedDuration::try_from(TIMEOUT).unwrap_or_default();
    context.prompt(SignInPrompt::Browser { url, opened, expires_at: Timestamp::now() + within });
    let received = tokio::time::timeout(TIMEOUT, receive(listener, callback, context.ending.clone())).await;
    let (authorization, code) = match received {
        Ok(Ok(received)) => received,
        Ok(Err(refusal)) => return Err(refused(context, &refusal)),
        Err(_) => {
            let reason = "nobody signed in within five minutes";
            return Err(context.problem(ProblemKind::LoginRefused, reason, "Sign in again."));
        }
    };
    fail_point("before-code");
    let grant = authorization.grant(&code);
    let failed = |failure: &Failure| sign_in_problem(&context.name, failure);
    let request = token_request(&context.server, grant, context.client_secret.as_ref());
    let request = request.map_err(|foreign| failed(&Failure::ServerChanged(foreign)))?;
    let granted = ask_for_tokens(&request).await;
    fail_point("after-code");
    granted.map_err(|failure| failed(&failure))
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

fn no_listener(context: &SignInContext, error: &std::io::Error) -> Problem {
    let reason = format!("no port of this machine can be listened on for the browser: {error}");
    context.problem(ProblemKind::Failed, &reason, "Sign in with a code on another device: evertoken login --device.")
}

fn refused(context: &SignInContext, refusal: &CallbackRefusal) -> Problem {
    context.problem(refusal.problem_kind(), &refusal.in_words(), refusal.advice())
}
