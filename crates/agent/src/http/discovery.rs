//! Fetches an issuer's metadata (RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4). Nothing secret is sent.

use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::failure::{Failure, OutcomeUnknown};
use evertoken_core::oauth::metadata::{Issuer, LONGEST_METADATA, Metadata};
use reqwest::StatusCode;
use reqwest::header::ACCEPT;

use crate::http::client;

/// One document. A person waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is at a location.
enum Found {
    Document(Vec<u8>),
    Nothing,
}

/// The issuer's metadata, from the first location that has any.
///
/// # Errors
/// A [`Problem`] with one sentence; nothing was changed.
pub(crate) async fn discover(issuer: &Issuer) -> Result<Metadata, Problem> {
    for location in issuer.locations() {
        match fetch(&location).await {
            Ok(Found::Document(body)) => {
                return Metadata::read(&body, issuer).map_err(|error| unusable(issuer, &error.to_string()));
            }
            Ok(Found::Nothing) => {}
            Err(failure) => return Err(failed(issuer, &failure)),
        }
    }
    Err(unusable(issuer, "it has no metadata at the places of RFC 8414 and OpenID Connect Discovery"))
}

/// Only an answer that says that nothing is there lets the next location be asked.
async fn fetch(location: &Endpoint) -> Result<Found, Failure> {
    let client = client::client(location, TIMEOUT).map_err(|error| client::classify(&error))?;
    let request = client.get(location.as_str()).header(ACCEPT, "application/json");
    let response = request.send().await.map_err(|error| client::classify(&error))?;
    match response.status() {
        StatusCode::OK => client::bounded_body(response, LONGEST_METADATA).await.map(Found::Document),
        // A proxy's word, and a server that wants to be left alone.
        status @ (StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::TOO_MANY_REQUESTS) => {
            Err(Failure::Odd { http_status: status.as_u16(), error: None })
        }
        // Not only 404: some answer 400, 401 or 403 for every path that they do not know.
        status if status.is_client_error() => Ok(Found::Nothing),
        status if status.is_server_error() => {
            Err(Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: status.as_u16() }))
        }
        status => Err(Failure::Odd { http_status: status.as_u16(), error: None }),
    }
}

const NOTHING: &str = "no token was sent to it and nothing was changed";

fn unusable(issuer: &Issuer, reason: &str) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        format!("The issuer {issuer} cannot be used: {reason}; {NOTHING}."),
        "Check the issuer to the letter, or name the endpoint with --endpoint and --encoding form.",
    )
}

fn failed(issuer: &Issuer, failure: &Failure) -> Problem {
    Problem::new(
        ProblemKind::TryLater,
        format!("The metadata of the issuer {issuer} cannot be read: {}; {NOTHING}.", in_words(failure)),
        "Check the issuer and the network, or name the endpoint with --endpoint and --encoding form.",
    )
}

fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::OutcomeUnknown(OutcomeUnknown::Unreadable) => {
            format!("it is longer than {} KiB or no HTTP", LONGEST_METADATA >> 10)
        }
        Failure::Odd { http_status: status @ 300..=399, .. } => {
            format!("the server redirects elsewhere (HTTP {status}), which is not followed")
        }
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::Later { .. }
        | Failure::Odd { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::AnotherUser(_)
        | Failure::Keychain(_)
        | Failure::Journal => failure.in_words(),
    }
}
