//! What the proxy itself answers, told apart from the upstream's answers by `Proxy-Status`.

use evertoken_core::api::problem::{Problem, ProblemKind};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PROXY_AUTHENTICATE, WWW_AUTHENTICATE,
};
use hyper::{HeaderMap, Response, StatusCode};

/// The body of an answer: streamed from the upstream server, or a refusal's few bytes.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// RFC 9209.
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
/// The methods that are passed on. A token cannot be put into a CONNECT's tunnel, and the answer to a TRACE would
/// repeat it (RFC 9110 section 9.3.8).
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"evertoken proxy\""),
    HeaderValue::from_static("Basic realm=\"evertoken proxy\", charset=\"UTF-8\""),
];

/// An answer of the proxy's own. Holds sentences of ours and nothing of the request.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Problem,
    /// RFC 9209 section 2.3.
    error: &'static str,
    extra: Extra,
}

/// A field that a status asks for.
#[derive(Debug, Clone, Copy)]
enum Extra {
    None,
    Methods,
    ServersChallenge,
    ProxysChallenge,
}

impl Extra {
    fn add_to(self, headers: &mut HeaderMap) {
        match self {
            Self::None => {}
            Self::Methods => drop(headers.insert(ALLOW, METHODS)),
            Self::ServersChallenge => challenge(headers, &WWW_AUTHENTICATE),
            Self::ProxysChallenge => challenge(headers, &PROXY_AUTHENTICATE),
        }
    }
}

/// A field for each scheme: some clients look no further than the first in a field.
fn challenge(headers: &mut HeaderMap, name: &HeaderName) {
    for scheme in CHALLENGES {
        headers.append(name, scheme);
    }
}

impl Refusal {
    fn new(status: StatusCode, kind: ProblemKind, error: &'static str, detail: &str, advice: &str) -> Self {
        let problem = Problem { status: status.as_u16(), ..Problem::new(kind, detail, advice) };
        Self { problem, error, extra: Extra::None }
    }

    fn denied(status: StatusCode, detail: &str, advice: &str) -> Self {
        Self::new(status, ProblemKind::BadRequest, "http_request_denied", detail, advice)
    }

    /// The request is not HTTP as it should be.
    pub(crate) fn malformed(detail: &str) -> Self {
        let advice = "Nothing was sent on; correct the client.";
        Self::new(StatusCode::BAD_REQUEST, ProblemKind::BadRequest, "http_request_error", detail, advice)
    }

    /// A coding of the body that is not `chunked` (RFC 9112 section 6.1).
    pub(crate) fn unknown_coding() -> Self {
        let detail = "The request's body has a transfer coding that this proxy does not know.";
        let advice = "Nothing was sent on; use chunked, or a Content-Length.";
        Self::new(StatusCode::NOT_IMPLEMENTED, ProblemKind::BadRequest, "http_request_error", detail, advice)
    }

    /// A web page or a name server may be behind the request.
    pub(crate) fn from_web_page() -> Self {
        Self::denied(
            StatusCode::FORBIDDEN,
            "The request comes from a web page, or it names another host than this proxy; nothing was sent on.",
            "Call the proxy by its address from a program, not from a browser.",
        )
    }

    pub(crate) fn method() -> Self {
        let refusal = Self::denied(
            StatusCode::METHOD_NOT_ALLOWED,
            "CONNECT and TRACE are not passed on: a tunnel takes no access token, and a trace would show it.",
            "Send requests for https origins to this proxy itself, as to the API's own server.",
        );
        Self { extra: Extra::Methods, ..refusal }
    }

    pub(crate) fn origin(allowed: &str) -> Self {
        let detail = format!("The target is not one of the allowed origins ({allowed}); nothing was sent on.");
        Self::denied(StatusCode::FORBIDDEN, &detail, "Allow it when the proxy is started: --allow ORIGIN.")
    }

    /// No run's token, or a wrong one: 407 to a client that uses us as a proxy, 401 to one that takes us for the
    /// server (RFC 9110 sections 15.5.2 and 15.5.8).
    pub(crate) fn unauthenticated(as_proxy: bool) -> Self {
        let (status, extra) = match as_proxy {
            true => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Extra::ProxysChallenge),
            false => (StatusCode::UNAUTHORIZED, Extra::ServersChallenge),
        };
        let refusal = Self::denied(
            status,
            "This proxy wants the bearer token of its run; nothing was sent on.",
            "Send Authorization: Bearer with the value of EVERTOKEN_PROXY_TOKEN, or that value as the password of Basic.",
        );
        Self { extra, ..refusal }
    }

    /// The agent has no token now: its own words, as the 503 of a gateway.
    pub(crate) fn no_token(problem: Problem) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE.as_u16();
        Self { problem: Problem { status, ..problem }, error: "proxy_internal_error", extra: Extra::None }
    }

    pub(crate) fn unusable_token() -> Self {
        let detail = "The access token has characters that no header may have, so it cannot be sent.";
        let advice = "Ask the operator of the token endpoint; RFC 6750 section 2.1 says what a token may hold.";
        Self::new(StatusCode::BAD_GATEWAY, ProblemKind::Failed, "proxy_internal_error", detail, advice)
    }

    /// No answer from the upstream server.
    pub(crate) fn upstream(status: StatusCode, error: &'static str, detail: &str) -> Self {
        let advice = "Check the network and the server; the login is untouched. Nothing is repeated by itself.";
        Self::new(status, ProblemKind::TryLater, error, detail, advice)
    }

    /// The environment names a SOCKS proxy.
    pub(crate) fn unknown_proxy(host: &str) -> Self {
        let detail = format!("{host} cannot be reached: the environment names a SOCKS proxy for it.");
        let advice = "Set HTTPS_PROXY to an HTTP proxy, the only kind that is supported, or name the host in NO_PROXY.";
        let status = StatusCode::BAD_GATEWAY;
        Self::new(status, ProblemKind::Failed, "proxy_configuration_error", &detail, advice)
    }

    /// For the log.
    pub(crate) const fn status(&self) -> u16 {
        self.problem.status
    }

    /// For the log.
    pub(crate) fn detail(&self) -> &str {
        &self.problem.detail
    }

    pub(crate) fn into_response(self) -> Response<AnswerBody> {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Full::from(body).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(value) = HeaderValue::try_from(format!("evertoken; error={}", self.error)) {
            headers.insert(PROXY_STATUS, value);
        }
        self.extra.add_to(headers);
        response
    }
}
