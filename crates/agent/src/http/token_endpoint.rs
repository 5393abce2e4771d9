//! Presents a refresh token, or another grant, at the token endpoint and reads the answer.

use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::token_request::{AuthorizationGrant, TokenRequest, token_request};
use evertoken_core::oauth::token_response::{self, Answer, Grant, LONGEST_ANSWER};
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
}

impl Answered {
    /// The answer for those who read it.
    pub(crate) fn answer(&self) -> Answer<'_> {
        Answer { http_status: self.http_status, retry_after: self.retry_after.as_deref(), body: &self.body }
    }
}

/// Presents a grant at the account's endpoint.
pub(crate) async fn present(
    account: &Account,
    grant: AuthorizationGrant<'_>,
    client_secret: Option<&ClientSecret>,
) -> Result<Grant, Failure> {
    let request = token_request(account, grant, client_secret);
    token_response::read(ask(&request, &account.endpoint).await?.answer(), Timestamp::now())
}

/// Sends a request to an endpoint that answers as a token endpoint does.
pub(crate) async fn ask(request: &TokenRequest, endpoint: &Endpoint) -> Result<Answered, Failure> {
    let response = client::post(request, endpoint, TIMEOUT).await?;
    let http_status = response.status().as_u16();
    endpoint_clock::note(response.headers().get(DATE).and_then(|v| v.to_str().ok()));
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = client::bounded_body(response, LONGEST_ANSWER).await?;
    Ok(Answered { http_status, retry_after, body })
}
