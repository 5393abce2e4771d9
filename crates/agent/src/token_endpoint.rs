//! Sends one token request and reads one answer. A fresh connection each time: no pool that could repeat a
//! request behind our back, nothing left open while idle, and today's trust store and proxy settings.

use std::error::Error;
use std::io;
use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::failure::{Failure, NotSent, OutcomeUnknown};
use evertoken_core::token::RefreshToken;
use evertoken_core::token_request::{TokenRequest, token_request};
use evertoken_core::token_response::{self, Answer, Grant, LONGEST_ANSWER};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, redirect};
use secrecy::ExposeSecret;

use crate::endpoint_clock;

/// A host that does not take the connection, with its name lookup and TLS handshake, within this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The whole exchange. A token endpoint answers within a second or two; 30 s covers a bad mobile network.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Presents a refresh token at the account's endpoint.
pub(crate) async fn present(account: &Account, refresh_token: &RefreshToken) -> Result<Grant, Failure> {
    let request = token_request(account, refresh_token);
    let client = client(account).map_err(|_| Failure::NotSent(NotSent::Malformed))?;
    let headers = headers(&request).ok_or(Failure::NotSent(NotSent::Malformed))?;
    let body = request.body.expose_secret().to_owned();
    let response = client.post(&request.url).headers(headers).body(body).send().await.map_err(|e| classify(&e))?;
    let http_status = response.status().as_u16();
    endpoint_clock::note(response.headers().get(DATE).and_then(|v| v.to_str().ok()));
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let body = bounded_body(response).await?;
    token_response::read(Answer { http_status, retry_after: retry_after.as_deref(), body: &body }, Timestamp::now())
}

fn client(account: &Account) -> reqwest::Result<Client> {
    // Only the first call installs it; every later one finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("evertoken/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT);
    // What is on this machine needs no proxy, and plain http must not meet one.
    if account.endpoint.is_loopback() { builder.no_proxy() } else { builder }.build()
}

fn headers(request: &TokenRequest) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        headers.insert(name, HeaderValue::try_from(value.as_str()).ok()?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    Some(headers)
}

async fn bounded_body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Failure::OutcomeUnknown(OutcomeUnknown::Unreadable));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Everything that fails while connecting was not sent; everything later may have been.
fn classify(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::NotSent(NotSent::Malformed);
    }
    if error.is_connect() {
        return Failure::NotSent(why_not_connected(error));
    }
    Failure::OutcomeUnknown(if error.is_timeout() {
        OutcomeUnknown::TimedOut
    } else if causes(error).any(is_no_http) {
        OutcomeUnknown::Unreadable
    } else {
        OutcomeUnknown::Interrupted
    })
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

/// Bytes that are not HTTP/1.1: another protocol, a header that is too long, chunks that are none.
fn is_no_http(cause: &(dyn Error + 'static)) -> bool {
    let http = cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse);
    let body = cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidInput);
    http || body
}

/// Tells the causes of a failed connection apart by their texts: it changes the sentence, not the decision.
fn why_not_connected(error: &reqwest::Error) -> NotSent {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    let any = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    if any(&["dns error", "failed to lookup"]) {
        NotSent::Dns
    } else if any(&["certificate", "HandshakeFailure", "received fatal alert", "corrupt message", "InvalidMessage"]) {
        NotSent::Tls
    } else {
        NotSent::Connect
    }
}
