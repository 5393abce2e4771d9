//! Presents a refresh token, or another grant, at the token endpoint and reads the answer.

use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::failure::{Failure, OutcomeUnknown};
use evertoken_core::oauth::token_request::{AuthorizationGrant, TokenRequest, token_request};
use evertoken_core::oauth::token_response::{self, Answer, Grant, LONGEST_ANSWER, usual_lifetime};
use jiff::Timestamp;
use reqwest::header::{DATE, RETRY_AFTER};

use crate::http::client;
use crate::http::endpoint_clock;

/// The whole exchange. A token endpoint answers within a second or two; 30 s covers a bad mobile network.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer as it came, whatever it says.
pub(crate) struct Answered {
    http_status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
    broken: Option<OutcomeUnknown>,
}

impl Answered {
    /// The answer for those who read it; `secrets` are what was sent.
    pub(crate) fn answer<'a>(&'a self, secrets: &'a [&'a str]) -> Answer<'a> {
        let Self { http_status, retry_after, body, broken } = self;
        Answer { http_status: *http_status, retry_after: retry_after.as_deref(), body, broken: *broken, secrets }
    }
}

/// Presents a grant at the account's endpoint.
pub(crate) async fn present(
    account: &Account,
    grant: AuthorizationGrant<'_>,
    client_secret: Option<&ClientSecret>,
) -> Result<Grant, Failure> {
    let request = token_request(account, grant, client_secret);
    let answered = ask(&request, &account.endpoint).await?;
    let secrets = secrets(grant, client_secret);
    token_response::read(answered.answer(&secrets), usual_lifetime(&account.endpoint), Timestamp::now())
}

/// What is sent and never shown, whoever repeats it.
pub(crate) fn secrets<'a>(grant: AuthorizationGrant<'a>, client_secret: Option<&'a ClientSecret>) -> Vec<&'a str> {
    let sent = match grant {
        AuthorizationGrant::RefreshToken(token) => vec![token.expose()],
        AuthorizationGrant::Code { code, verifier, .. } => vec![code.expose(), verifier.expose()],
        AuthorizationGrant::DeviceCode(code) => vec![code.expose()],
    };
    sent.into_iter().chain(client_secret.map(ClientSecret::expose)).collect()
}

/// Sends a request to an endpoint that answers as a token endpoint does.
pub(crate) async fn ask(request: &TokenRequest, endpoint: &Endpoint) -> Result<Answered, Failure> {
    let response = client::post(request, endpoint, TIMEOUT).await?;
    let http_status = response.status().as_u16();
    endpoint_clock::note(response.headers().get(DATE).and_then(|v| v.to_str().ok()));
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (body, broken) = client::body_so_far(response, LONGEST_ANSWER).await;
    Ok(Answered { http_status, retry_after, body, broken })
}
