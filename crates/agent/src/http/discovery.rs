//! Fetches an issuer's metadata (RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4). Nothing secret is sent.

use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::failure::{Failure, OutcomeUnknown};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::metadata::{LONGEST_METADATA, Metadata};
use reqwest::StatusCode;
use reqwest::header::ACCEPT;

use crate::http::client;

/// One document. A person waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a location brought nothing, with how much it tells about the issuer: the most telling is shown.
struct Miss {
    telling: u8,
    problem: Problem,
}

/// The issuer's metadata, from the first location that has it: whatever is at one, the next may be right.
///
/// # Errors
/// A [`Problem`] with one sentence; nothing was changed.
pub(crate) async fn discover(issuer: &Issuer) -> Result<Metadata, Problem> {
    let nothing = "it has no metadata at the places of RFC 8414 and OpenID Connect Discovery";
    let mut worst = Miss { telling: 0, problem: unusable(issuer, nothing, None) };
    for location in issuer.locations() {
        let miss = match fetch(&location).await {
            Ok(Some(body)) => match Metadata::read(&body, issuer) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => Miss {
                    telling: 2 + error.telling(),
                    problem: unusable(issuer, &error.to_string(), error.advice().as_deref()),
                },
            },
            Ok(None) => continue,
            Err(failure) if is_unreachable(&failure) => return Err(failed(issuer, &failure)),
            // A server that fails may have it; one that shows a page has something else there.
            Err(failure) => Miss { telling: 3, problem: failed(issuer, &failure) },
        };
        if miss.telling > worst.telling {
            worst = miss;
        }
    }
    Err(worst.problem)
}

/// The next location is on the same server: a person is not kept waiting for it.
const fn is_unreachable(failure: &Failure) -> bool {
    matches!(failure, Failure::NotSent(_) | Failure::OutcomeUnknown(OutcomeUnknown::TimedOut))
}

/// The document at a location, if there is one.
async fn fetch(location: &Endpoint) -> Result<Option<Vec<u8>>, Failure> {
    let client = client::client(location, TIMEOUT)?;
    let request = client.get(location.as_str()).header(ACCEPT, "application/json");
    let response = request.send().await.map_err(|error| client::classify(&error))?;
    let http_status = response.status().as_u16();
    match response.status() {
        StatusCode::OK => client::bounded_body(response, LONGEST_METADATA).await.map(Some),
        // A proxy's word, and a server that wants to be left alone.
        StatusCode::PROXY_AUTHENTICATION_REQUIRED | StatusCode::TOO_MANY_REQUESTS => Err(odd(http_status)),
        // Not only 404: some answer 400, 401 or 403 for every path that they do not know.
        status if status.is_client_error() => Ok(None),
        status if status.is_server_error() => Err(Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status })),
        _ => Err(odd(http_status)),
    }
}

const fn odd(http_status: u16) -> Failure {
    Failure::UnexpectedAnswer { http_status, error: None, web_page: false }
}

const NOTHING: &str = "no token was sent to it and nothing was changed";

fn unusable(issuer: &Issuer, reason: &str, advice: Option<&str>) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        format!("The issuer {issuer} cannot be used: {reason}; {NOTHING}."),
        advice.unwrap_or("Check the issuer to the letter, or name the endpoint with --endpoint and --encoding form."),
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
        Failure::UnexpectedAnswer { http_status: status @ 300..=399, .. } => {
            format!("the server redirects elsewhere (HTTP {status}), which is not followed")
        }
        Failure::NotSent(_)
        | Failure::OutcomeUnknown(_)
        | Failure::RetryLater { .. }
        | Failure::UnexpectedAnswer { .. }
        | Failure::AuthorizationRequired(_)
        | Failure::AnotherUser(_)
        | Failure::ServerChanged(_)
        | Failure::Keychain(_)
        | Failure::Journal
        | Failure::Ending
        | Failure::Lock(_) => failure.in_words(),
    }
}
