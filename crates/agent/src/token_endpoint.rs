//! Presents a refresh token at the token endpoint and reads the answer.

use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::client::ClientSecret;
use evertoken_core::failure::Failure;
use evertoken_core::token::RefreshToken;
use evertoken_core::token_request::token_request;
use evertoken_core::token_response::{self, Answer, Grant, LONGEST_ANSWER};
use jiff::Timestamp;
use reqwest::header::{DATE, RETRY_AFTER};

use crate::endpoint_clock;
use crate::http;

/// The whole exchange. A token endpoint answers within a second or two; 30 s covers a bad mobile network.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Presents a refresh token at the account's endpoint.
pub(crate) async fn present(
    account: &Account,
    refresh_token: &RefreshToken,
    client_secret: Option<&ClientSecret>,
) -> Result<Grant, Failure> {
    let request = token_request(account, refresh_token, client_secret);
    let response = http::post(&request, &account.endpoint, TIMEOUT).await?;
    let http_status = response.status().as_u16();
    endpoint_clock::note(response.headers().get(DATE).and_then(|v| v.to_str().ok()));
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = http::bounded_body(response, LONGEST_ANSWER).await?;
    token_response::read(Answer { http_status, retry_after: retry_after.as_deref(), body: &body }, Timestamp::now())
}
