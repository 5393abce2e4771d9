//! Asks the server to revoke what nobody is to have any more (RFC 7009).

use std::time::Duration;

use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::origin::Bound;
use evertoken_core::oauth::revocation::{self, Revoked, revocation_request};
use evertoken_core::oauth::server::Server;
use evertoken_core::oauth::token_response::Answer;
use secrecy::ExposeSecret;

use crate::http::client;

/// The whole exchange: somebody waits for the log-out, which has happened by then.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer, in bytes: an error's name is in its first lines.
const LONGEST_ANSWER: usize = 64 << 10;

/// Revokes a token, once.
///
/// # Errors
/// Why the server did not confirm it, as the start of a sentence.
pub(crate) async fn revoke(
    server: &Server,
    endpoint: &Endpoint,
    revoked: Revoked<'_>,
    client_secret: Option<&Bound<ClientSecret>>,
) -> Result<(), String> {
    let request = revocation_request(server, endpoint, revoked, client_secret);
    let request = request.map_err(|foreign| foreign.to_string())?;
    let response = client::post(&request, TIMEOUT).await.map_err(|failure| failure.in_words())?;
    let http_status = response.status().as_u16();
    // A body that cannot be read confirms as none does; that of a refusal may name its cause.
    let body = client::bounded_body(response, LONGEST_ANSWER).await.unwrap_or_default();
    let secrets: Vec<&str> = request.secrets.iter().map(ExposeSecret::expose_secret).collect();
    revocation::read(Answer { http_status, retry_after: None, body: &body, broken: None, secrets: &secrets })
}
