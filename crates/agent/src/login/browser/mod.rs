//! A browser on this machine: authorization code, PKCE, loopback redirect (RFC 8252).

mod callback;
mod listeners;
mod page;
mod pasted;

use std::io;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evertoken_core::api::login_problem::sign_in_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInPrompt;
use evertoken_core::oauth::authorization_code::{Authorization, CallbackRefusal, RANDOM_BYTES};
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::redirect_uri::RedirectUri;
use evertoken_core::oauth::token_request::token_request;
use evertoken_core::oauth::token_response::Grant;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use tokio::sync::mpsc;

use self::callback::{Callback, RELOADS_WITHIN, receive};
use self::listeners::Listeners;
pub(crate) use self::pasted::Pasted;
use super::context::SignInContext;
use crate::desktop::browser;
use crate::http::discovery::discover;
use crate::http::token_endpoint::ask_for_tokens;
use crate::system::fail_point::fail_point;

/// How long a person may take at the server.
const TIMEOUT: Duration = Duration::from_secs(300);
/// How long the server's metadata is waited for before the browser opens. A person waits.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn sign_in(
    context: &SignInContext,
    pasted: &mut mpsc::UnboundedReceiver<Pasted>,
) -> Result<Grant, Problem> {
    let server = &context.at.server;
    let endpoint = server.authorization_endpoint.as_ref().ok_or_else(|| context.lacks("authorization_endpoint"))?;
    if server.client_id.as_deref().is_none_or(str::is_empty) {
        return Err(context.lacks("client_id"));
    }
    let configured = server.redirect_uri.clone().unwrap_or_default();
    let no_listener = |error: io::Error| no_listener(context, &configured, &error);
    let listeners = Listeners::bind(&configured).await.map_err(no_listener)?;
    let port = listeners.port().map_err(no_listener)?;
    let random = || random().map_err(no_listener);
    let redirect_uri = configured.at(port);
    let authorization = Authorization::new(random()?, random()?, random()?, redirect_uri.clone());
    // The address at the server has the state in it, and what opens a browser shows its arguments to every program. So
    // the browser is opened here, and sent on.
    let path = format!("/{}", URL_SAFE_NO_PAD.encode(random()?));
    let host = configured.authority(port);
    let url = format!("http://{host}{path}");
    let location = authorization.url(server, endpoint);
    let authorization_url = location.expose_secret().to_owned();
    let callback = Callback {
        location,
        authorization,
        path,
        callback_path: configured.path().to_owned(),
        host,
        issuer: server.issuer.clone(),
        reloads_within: if configured.port().is_some() { Duration::ZERO } else { RELOADS_WITHIN },
        names_issuer: names_issuer(server.issuer.as_ref()).await,
    };
    let opened = browser::open(&url).await;
    let expires_at = Timestamp::now() + SignedDuration::try_from(TIMEOUT).unwrap_or_default();
    let told = redirect_uri.clone();
    context.prompt(SignInPrompt::Browser { url, opened, redirect_uri: told, authorization_url, expires_at });
    let received = tokio::time::timeout(TIMEOUT, receive(listeners, callback, pasted, context.ending.clone())).await;
    let (authorization, code) = match received {
        Ok(Ok(received)) => received,
        Ok(Err(refusal)) => return Err(refused(context, &refusal)),
        Err(_) => {
            let reason = "nobody signed in within five minutes";
            let advice = format!(
                "Sign in again. If the server showed an error, register the redirect URI {redirect_uri} there, or name one that it \
                 knows with --redirect-uri."
            );
            return Err(context.problem(ProblemKind::LoginRefused, reason, &advice));
        }
    };
    fail_point("before-code");
    let grant = authorization.grant(&code);
    let failed = |failure: &Failure| sign_in_problem(&context.name, failure);
    let request = token_request(&context.at.server, grant, context.at.client_secret.as_ref());
    let request = request.map_err(|foreign| failed(&Failure::ServerChanged(foreign)))?;
    let granted = ask_for_tokens(&request).await;
    fail_point("after-code");
    let granted = granted.map_err(|failure| failed(&failure))?;
    if let Err(refusal) = authorization.check(&context.at.server, granted.id_token.as_ref()) {
        context.at.drop_grant(&context.name, &granted).await;
        return Err(refused(context, &refusal));
    }
    Ok(granted)
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

fn no_listener(context: &SignInContext, redirect_uri: &RedirectUri, error: &io::Error) -> Problem {
    match redirect_uri.port() {
        Some(port) => context.problem(
            ProblemKind::Failed,
            &format!("the port {port} of the redirect URI {redirect_uri} cannot be listened on: {}", error.kind()),
            "End the program that has the port, or name another one that the server knows with --redirect-uri.",
        ),
        None => context.problem(
            ProblemKind::Failed,
            &format!("no port of this machine can be listened on for the browser: {error}"),
            "Sign in with a code on another device: evertoken login --device.",
        ),
    }
}

fn refused(context: &SignInContext, refusal: &CallbackRefusal) -> Problem {
    context.problem(refusal.problem_kind(), &refusal.in_words(), refusal.advice())
}
