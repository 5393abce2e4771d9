//! A client's request, made fit to be sent on, once or twice.

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};

use crate::fields;
use crate::refusal::Refusal;
use crate::upstream::{ClientBroke, UpstreamBody};

use evertoken_core::oauth::token::AccessToken;

/// In bytes. A body up to this is kept until the answer is here, so that it can be sent again; all connections
/// together hold a few MiB of them.
const REPLAYABLE: u64 = 64 << 10;

/// A request without its credentials.
#[derive(Debug)]
pub(crate) struct Outgoing {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// May be sent as often as is wanted.
    Whole(Bytes),
    /// Passes through once.
    Stream(Incoming),
    /// Has passed.
    Sent,
}

impl Outgoing {
    /// Takes a request for this URI. Reads a short body; `wants_websocket` has none.
    pub(crate) async fn new(parts: Parts, uri: Uri, body: Incoming, wants_websocket: bool) -> Result<Self, Refusal> {
        check_coding(&parts.headers)?;
        let Parts { method, mut headers, .. } = parts;
        let tells_length = headers.contains_key(CONTENT_LENGTH);
        fields::for_upstream(&mut headers);
        if wants_websocket {
            fields::set_websocket(&mut headers);
        }
        let content = match body.size_hint().exact() {
            Some(length) if length <= REPLAYABLE => {
                let whole = body.collect().await.map_err(|_| broke_off())?;
                // Also a length of nothing: some servers want one with every POST.
                if tells_length {
                    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                }
                Content::Whole(whole.to_bytes())
            }
            Some(length) => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
                Content::Stream(body)
            }
            None => {
                // hyper would leave out the body of a GET whose length nobody knows.
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                Content::Stream(body)
            }
        };
        Ok(Self { method, uri, headers, content })
    }

    /// Can it be sent once more?
    pub(crate) const fn is_replayable(&self) -> bool {
        matches!(self.content, Content::Whole(_))
    }

    /// The request with this token. A stream goes with the first one.
    pub(crate) fn with(&mut self, token: &AccessToken) -> Result<Request<UpstreamBody>, Refusal> {
        let credentials = SecretString::from(format!("Bearer {}", token.expose()));
        let mut credentials =
            HeaderValue::from_str(credentials.expose_secret()).map_err(|_| Refusal::unusable_token())?;
        credentials.set_sensitive(true);
        let mut headers = self.headers.clone();
        headers.insert(AUTHORIZATION, credentials);
        let body = match std::mem::replace(&mut self.content, Content::Sent) {
            Content::Whole(bytes) => {
                self.content = Content::Whole(bytes.clone());
                Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
            }
            Content::Stream(body) => body.map_err(|_| ClientBroke).boxed_unsync(),
            Content::Sent => return Err(broke_off()),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn broke_off() -> Refusal {
    Refusal::malformed("The request's body broke off or is not as HTTP has it.")
}

/// hyper has decoded `chunked`; any other coding would lose its name on the way.
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(only), None) if only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(Refusal::unknown_coding()),
    }
}
