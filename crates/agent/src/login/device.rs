//! A code that is typed in on another device (RFC 8628).

use evertoken_core::api::login_problem::sign_in_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInPrompt;
use evertoken_core::oauth::device_authorization::{
    DeviceAuthorization, Poll, device_request, read_authorization, read_poll,
};
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::token_request::{AuthorizationGrant, token_request};
use evertoken_core::oauth::token_response::{Grant, usual_lifetime};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::context::SignInContext;
use crate::http::token_endpoint::ask;

pub(super) async fn sign_in(context: &SignInContext) -> Result<Grant, Problem> {
    let authorization = authorization(context).await?;
    let DeviceAuthorization { device_code, lifetime, pace, .. } = &authorization;
    let mut pace = *pace;
    let ends = Instant::now() + lifetime.unsigned_abs();
    context.prompt(SignInPrompt::Device {
        user_code: authorization.user_code.clone(),
        verification_uri: authorization.verification_uri.clone(),
        verification_uri_complete: authorization.verification_uri_complete.clone(),
        expires_at: Timestamp::now().saturating_add(*lifetime).unwrap_or(Timestamp::MAX),
    });
    let grant = AuthorizationGrant::DeviceCode(device_code);
    let request = token_request(&context.at.server, grant, context.at.client_secret.as_ref());
    let request = request.map_err(|foreign| failed(context, &Failure::ServerChanged(foreign)))?;
    let usual = usual_lifetime(&context.at.server.endpoint);
    loop {
        sleep(pace.interval()).await;
        let poll = match ask(&request).await {
            Ok(answered) => read_poll(answered.answer(), usual, Timestamp::now()),
            Err(failure) => Poll::Failed(failure),
        };
        pace = pace.after(&poll);
        let is_pending = poll.is_worth_polling() && Instant::now() < ends;
        match poll {
            _ if is_pending => {}
            Poll::Granted(grant) => return Ok(grant),
            Poll::Denied => return Err(refused(context, "the sign-in was refused at the server (access_denied)")),
            Poll::Expired | Poll::Pending | Poll::SlowDown => {
                return Err(refused(context, "nobody entered the code in time (expired_token)"));
            }
            Poll::Failed(failure) => return Err(failed(context, &failure)),
        }
    }
}

async fn authorization(context: &SignInContext) -> Result<DeviceAuthorization, Problem> {
    let endpoint = context.at.server.device_authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| context.lacks("device_authorization_endpoint"))?;
    let request = device_request(&context.at.server, endpoint, context.at.client_secret.as_ref());
    let request = request.map_err(|foreign| failed(context, &Failure::ServerChanged(foreign)))?;
    let answered = ask(&request).await.map_err(|failure| failed(context, &failure))?;
    read_authorization(answered.answer(), Timestamp::now()).map_err(|failure| failed(context, &failure))
}

fn failed(context: &SignInContext, failure: &Failure) -> Problem {
    sign_in_problem(&context.name, failure)
}

fn refused(context: &SignInContext, reason: &str) -> Problem {
    context.problem(ProblemKind::LoginRefused, reason, "Sign in again.")
}
