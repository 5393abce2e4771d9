//! A code that is typed in on another device (RFC 8628).

use evertoken_core::api::login_problem::sign_in_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::SignInPrompt;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::device_authorization::{
    DeviceAuthorization, Poll, device_request, read_authorization, read_poll,
};
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::token_request::{AuthorizationGrant, token_request};
use evertoken_core::oauth::token_response::{Grant, usual_lifetime};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::Desk;
use crate::http::token_endpoint::{ask, secrets};

pub(super) async fn sign_in(desk: &Desk) -> Result<Grant, Problem> {
    let authorization = authorization(desk).await?;
    let DeviceAuthorization { device_code, lifetime, pace, .. } = &authorization;
    let mut pace = *pace;
    let ends = Instant::now() + lifetime.unsigned_abs();
    desk.prompt(SignInPrompt::Device {
        user_code: authorization.user_code.clone(),
        verification_uri: authorization.verification_uri.clone(),
        verification_uri_complete: authorization.verification_uri_complete.clone(),
        expires_at: Timestamp::now().saturating_add(*lifetime).unwrap_or(Timestamp::MAX),
    });
    let grant = AuthorizationGrant::DeviceCode(device_code);
    let request = token_request(&desk.account, grant, desk.client_secret.as_ref());
    let (secrets, usual) = (secrets(grant, desk.client_secret.as_ref()), usual_lifetime(&desk.account.endpoint));
    loop {
        sleep(pace.interval()).await;
        let poll = match ask(&request, &desk.account.endpoint).await {
            Ok(answered) => read_poll(answered.answer(&secrets), usual, Timestamp::now()),
            Err(failure) => Poll::Failed(failure),
        };
        pace = pace.after(&poll);
        let goes_on = poll.goes_on() && Instant::now() < ends;
        match poll {
            _ if goes_on => {}
            Poll::Granted(grant) => return Ok(grant),
            Poll::Denied => return Err(refused(desk, "the sign-in was refused at the server (access_denied)")),
            Poll::Expired | Poll::Pending | Poll::SlowDown => {
                return Err(refused(desk, "nobody entered the code in time (expired_token)"));
            }
            Poll::Failed(failure) => return Err(failed(desk, &failure)),
        }
    }
}

async fn authorization(desk: &Desk) -> Result<DeviceAuthorization, Problem> {
    let endpoint = desk.account.device_authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or_else(|| desk.lacks("device_authorization_endpoint"))?;
    let request = device_request(&desk.account, endpoint, desk.client_secret.as_ref());
    let answered = ask(&request, endpoint).await.map_err(|failure| failed(desk, &failure))?;
    let secrets: Vec<_> = desk.client_secret.iter().map(ClientSecret::expose).collect();
    read_authorization(answered.answer(&secrets), Timestamp::now()).map_err(|failure| failed(desk, &failure))
}

fn failed(desk: &Desk, failure: &Failure) -> Problem {
    sign_in_problem(&desk.name, failure)
}

fn refused(desk: &Desk, reason: &str) -> Problem {
    desk.problem(ProblemKind::LoginRefused, reason, "Sign in again.")
}
