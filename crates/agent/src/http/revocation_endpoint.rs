//! Asks the server to revoke a refresh token at a log-out (RFC 7009).

use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::revocation::{self, revocation_request};
use evertoken_core::oauth::token::RefreshToken;
use evertoken_core::oauth::token_response::Answer;

use crate::http::client;

/// The whole exchange: somebody waits for the log-out, which has happened by then.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer, in bytes: an error's name is in its first lines.
const LONGEST_ANSWER: usize = 64 << 10;

/// Revokes a refresh token, once.
///
/// # Errors
/// Why the server did not confirm it, as the start of a sentence.
pub(crate) async fn revoke(
    account: &Account,
    endpoint: &Endpoint,
    refresh_token: &RefreshToken,
    client_secret: Option<&ClientSecret>,
) -> Result<(), String> {
    let request = revocation_request(account, endpoint, refresh_token, client_secret);
    let response = client::post(&request, endpoint, TIMEOUT).await.map_err(|failure| failure.in_words())?;
    let http_status = response.status().as_u16();
    // A body that cannot be read confirms as none does; that of a refusal may name its cause.
    let body = client::bounded_body(response, LONGEST_ANSWER).await.unwrap_or_default();
    let secrets: Vec<_> =
        std::iter::once(refresh_token.expose()).chain(client_secret.map(ClientSecret::expose)).collect();
    revocation::read(Answer { http_status, retry_after: None, body: &body, broken: None, secrets: &secrets })
}
