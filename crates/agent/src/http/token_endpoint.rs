//! Presents a refresh token, or another grant, at the token endpoint and reads the answer.

use std::time::Duration;

use evertoken_core::oauth::failure::{Failure, OutcomeUnknown};
use evertoken_core::oauth::token_request::TokenRequest;
use evertoken_core::oauth::token_response::{self, Answer, Grant, LONGEST_ANSWER, usual_lifetime};
use jiff::Timestamp;
use reqwest::header::{DATE, RETRY_AFTER};
use secrecy::ExposeSecret;

use crate::http::client;
use crate::system::endpoint_clock;

/// The whole exchange. A token endpoint answers within a second or two; 30 s covers a bad mobile network.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer as it came, whatever it says, and what it must not repeat.
pub(crate) struct Answered<'a> {
    http_status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
    broken: Option<OutcomeUnknown>,
    secrets: Vec<&'a str>,
}

impl Answered<'_> {
    /// The answer for those who read it.
    pub(crate) fn answer(&self) -> Answer<'_> {
        let Self { http_status, retry_after, body, broken, secrets } = self;
        Answer { http_status: *http_status, retry_after: retry_after.as_deref(), body, broken: *broken, secrets }
    }
}

/// Sends a token request and reads the tokens that it brings.
pub(crate) async fn ask_for_tokens(request: &TokenRequest) -> Result<Grant, Failure> {
    let answered = ask(request).await?;
    token_response::read(answered.answer(), usual_lifetime(&request.endpoint), Timestamp::now())
}

/// Sends a request to an endpoint that answers as a token endpoint does.
pub(crate) async fn ask(request: &TokenRequest) -> Result<Answered<'_>, Failure> {
    let response = client::post(request, TIMEOUT).await?;
    let http_status = response.status().as_u16();
    endpoint_clock::note(response.headers().get(DATE).and_then(|v| v.to_str().ok()));
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (body, broken) = client::body_so_far(response, LONGEST_ANSWER).await;
    let secrets = request.secrets.iter().map(ExposeSecret::expose_secret).collect();
    Ok(Answered { http_status, retry_after, body, broken, secrets })
}
