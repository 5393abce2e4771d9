//! Refuses what a web page may have sent. No browser reaches the socket by itself; a port forwarder that somebody sets
//! up would let every page in.

use axum::http::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use evertoken_core::api::problem::{Problem, ProblemKind};

use super::refusal::Refusal;

/// What browsers add to requests and no page can leave out: to all that may change something (Fetch standard), and to
/// all that go to loopback (Fetch Metadata).
const FROM_BROWSERS: [HeaderName; 2] = [ORIGIN, HeaderName::from_static("sec-fetch-site")];
/// How programs of this machine call the agent. Any other name was resolved by somebody's name server, which may say
/// that it is this machine (DNS rebinding).
const OWN_NAMES: [&str; 3] = ["", "localhost", "evertoken"];

pub(super) fn refuse_web_pages<B>(request: &Request<B>) -> Option<Refusal> {
    let refusal = || {
        let problem = Problem::new(
            ProblemKind::BadRequest,
            "The request comes from a web page or names another host; it was refused, and nothing was changed.",
            "Call the agent over its socket, as http://localhost/v1/, from a program and not from a browser.",
        );
        Refusal::from(Problem { status: 403, ..problem })
    };
    is_from_elsewhere(request).then(refusal)
}

fn is_from_elsewhere<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let is_from_browser = FROM_BROWSERS.iter().any(|name| headers.contains_key(name));
    let mut hosts = headers.get_all(HOST).iter().map(|value| value.to_str().unwrap_or("not ASCII"));
    is_from_browser
        || hosts.any(|host| !is_own_name(host))
        || request.uri().authority().map(Authority::as_str).is_some_and(|host| !is_own_name(host))
}

pub(super) fn is_own_name(host: &str) -> bool {
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_no_name_server_answers_for_are_ours() {
        for own in ["localhost", "LOCALHOST", "localhost:8080", "evertoken", ""] {
            assert!(is_own_name(own), "{own}");
        }
        for foreign in ["example.org", "localhost.example.org", "127.0.0.1", "a@localhost", "localhost:x", "[::1]:80"] {
            assert!(!is_own_name(foreign), "{foreign}");
        }
    }
}
