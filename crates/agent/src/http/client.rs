//! One request, one answer, for everything that is sent to an account's server. A fresh connection each time: no pool
//! that could repeat a request behind our back, nothing left open while idle, and today's trust store and proxy settings.

use std::error::Error;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use evertoken_core::oauth::endpoint::{Endpoint, LOCALHOST, PRODUCTION_ENDPOINT};
use evertoken_core::oauth::failure::{Failure, NotSent, OutcomeUnknown};
use evertoken_core::oauth::token_request::TokenRequest;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Client, Response, redirect};
use secrecy::ExposeSecret;

/// A host that does not take the connection, with its name lookup and TLS handshake, within this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request with its secrets; `timeout` bounds the whole exchange.
pub(crate) async fn post(request: &TokenRequest, timeout: Duration) -> Result<Response, Failure> {
    let malformed = || Failure::NotSent(NotSent::Malformed);
    let client = client(&request.endpoint, timeout)?;
    let headers = headers(request).ok_or_else(malformed)?;
    let body = request.body.expose_secret().to_owned();
    client.post(request.endpoint.as_str()).headers(headers).body(body).send().await.map_err(|error| classify(&error))
}

/// A client for this endpoint. It cannot be built where there are no certificates to check servers' with.
pub(crate) fn client(endpoint: &Endpoint, timeout: Duration) -> Result<Client, Failure> {
    // Only the first call installs it; every later one finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("evertoken/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(0)
        .resolve_to_addrs("localhost", &LOCALHOST.map(|address| SocketAddr::new(address, 0)))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout);
    // What is on this machine needs no proxy, and plain http must not meet one.
    let builder = if endpoint.is_loopback() { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| {
        tracing::warn!("no HTTP client can be built: {}", with_causes(&error));
        let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
        Failure::NotSent(if is_named { NotSent::NamedTrustStore } else { NotSent::NoTrustStore })
    })
}

/// Are there certificates to check servers' with?
pub(crate) fn has_certificates() -> bool {
    let public = PRODUCTION_ENDPOINT.parse().ok();
    public.is_some_and(|endpoint| client(&endpoint, CONNECT_TIMEOUT).is_ok())
}

fn with_causes(error: &reqwest::Error) -> String {
    let texts = causes(error).map(ToString::to_string);
    std::iter::once(error.to_string()).chain(texts).collect::<Vec<_>>().join(": ")
}

fn headers(request: &TokenRequest) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        headers.insert(name, HeaderValue::try_from(value.as_str()).ok()?);
    }
    if let Some(authorization) = &request.authorization {
        let mut value = HeaderValue::try_from(authorization.expose_secret()).ok()?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // Without it a server may compress as it likes (RFC 9110 section 12.5.3).
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    Some(headers)
}

/// The body, if it is not longer than this.
pub(crate) async fn bounded_body(response: Response, longest: usize) -> Result<Vec<u8>, Failure> {
    let (body, broken) = body_so_far(response, longest).await;
    broken.map_or(Ok(body), |outcome| Err(Failure::OutcomeUnknown(outcome)))
}

/// As much of the body as comes, and why there is no more of it, if it breaks off or is longer than this.
pub(crate) async fn body_so_far(response: Response, longest: usize) -> (Vec<u8>, Option<OutcomeUnknown>) {
    let coding = response.headers().get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok()).map(str::to_owned);
    let (body, broken) = coded_body_so_far(response, longest).await;
    match coding.as_deref().map(str::trim) {
        Some("gzip" | "x-gzip") => uncompressed(MultiGzDecoder::new(body.as_slice()), longest, broken),
        Some("deflate") => uncompressed(ZlibDecoder::new(body.as_slice()), longest, broken),
        Some(_) | None => (body, broken),
    }
}

/// Some servers compress though they were asked not to, and what they granted counts all the same.
fn uncompressed(
    decoder: impl Read,
    longest: usize,
    broken: Option<OutcomeUnknown>,
) -> (Vec<u8>, Option<OutcomeUnknown>) {
    let mut body = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX);
    match decoder.take(most + 1).read_to_end(&mut body) {
        Ok(_) if body.len() <= longest => (body, broken),
        Ok(_) | Err(_) => {
            body.truncate(longest);
            (body, broken.or(Some(OutcomeUnknown::Unreadable)))
        }
    }
}

async fn coded_body_so_far(mut response: Response, longest: usize) -> (Vec<u8>, Option<OutcomeUnknown>) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > longest => {
                body.extend_from_slice(&chunk[..longest - body.len()]);
                return (body, Some(OutcomeUnknown::Unreadable));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, None),
            Err(error) => return (body, Some(after_sending(&error))),
        }
    }
}

/// Everything that fails while connecting was not sent; everything later may have been.
pub(crate) fn classify(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::NotSent(NotSent::Malformed);
    }
    if error.is_connect() {
        return Failure::NotSent(why_not_connected(error));
    }
    Failure::OutcomeUnknown(after_sending(error))
}

fn after_sending(error: &reqwest::Error) -> OutcomeUnknown {
    if error.is_timeout() {
        OutcomeUnknown::TimedOut
    } else if causes(error).any(is_no_http) {
        OutcomeUnknown::Unreadable
    } else {
        OutcomeUnknown::Interrupted
    }
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
    cause_of(&causes(error).map(ToString::to_string).collect::<Vec<_>>())
}

/// What the texts of a failed connection's causes mean; the first row with one of its words counts.
const CAUSES: [(NotSent, &[&str]); 7] = [
    (NotSent::ProxyLogin, &["proxy authorization required", "proxy authentication required"]),
    (NotSent::ProxyRefused, &["tunnel error: unsuccessful", "unsuccessful tunnel"]),
    // The name that is not found may be the proxy's.
    (NotSent::Connect, &["tunnel error"]),
    (NotSent::Dns, &["dns error", "failed to lookup"]),
    (NotSent::CertificateExpired, &["certificate expired", "certificate has expired"]),
    (NotSent::CertificateNotYetValid, &["not valid yet", "NotValidYet"]),
    (NotSent::Tls, &["certificate", "HandshakeFailure", "received fatal alert", "corrupt message", "InvalidMessage"]),
];

fn cause_of(texts: &[String]) -> NotSent {
    let any = |words: &[&str]| texts.iter().any(|text| words.iter().any(|word| text.contains(word)));
    CAUSES.iter().find(|(_, words)| any(words)).map_or(NotSent::Connect, |(cause, _)| *cause)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::io::Write as _;

    use evertoken_core::oauth::origin::Bound;
    use evertoken_core::oauth::server::Server;
    use evertoken_core::oauth::token::RefreshToken;
    use evertoken_core::oauth::token_request::{AuthorizationGrant, token_request};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn a_compressed_answer_is_read_as_far_as_it_came_and_no_further_than_its_bound() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[b'x'; 4096]).unwrap();
        let coded = encoder.finish().unwrap();
        let read = |coded: &[u8], longest| uncompressed(MultiGzDecoder::new(coded), longest, None);
        assert_eq!(read(&coded, 4096), (vec![b'x'; 4096], None));
        assert_eq!(read(&coded, 4095), (vec![b'x'; 4095], Some(OutcomeUnknown::Unreadable)));
        let (body, broken) = read(&coded[..coded.len() - 8], 5000);
        assert_eq!((body.len(), broken), (4096, Some(OutcomeUnknown::Unreadable)), "the end is missing");
        assert!(read(b"no gzip", 10).0.is_empty());
    }

    #[test]
    fn a_token_request_asks_for_json_whatever_else_it_says() {
        let mut server = Server::at("https://a.example/token".parse().unwrap());
        server.headers = [("X-Merchant-ID".to_owned(), "m-1".to_owned())].into();
        let token = Bound::new(RefreshToken::new("r".to_owned()), server.origins());
        let request = token_request(&server, AuthorizationGrant::RefreshToken(&token), None).unwrap();
        let headers = headers(&request).unwrap();
        assert_eq!(
            (&headers[ACCEPT], &headers[ACCEPT_ENCODING]),
            (&"application/json".parse().unwrap(), &"identity".parse().unwrap())
        );
        assert_eq!(headers["x-merchant-id"], "m-1");
    }

    #[test]
    fn a_failed_connection_is_named_as_what_it_is() {
        for (text, cause) in [
            ("dns error: failed to lookup address information", NotSent::Dns),
            ("tunnel error: proxy authorization required", NotSent::ProxyLogin),
            ("tunnel error: unsuccessful", NotSent::ProxyRefused),
            ("tunnel error: failed to create underlying connection", NotSent::Connect),
            ("invalid peer certificate: certificate expired: verification time 9", NotSent::CertificateExpired),
            ("invalid peer certificate: certificate not valid yet: verification", NotSent::CertificateNotYetValid),
            ("invalid peer certificate: UnknownIssuer", NotSent::Tls),
            ("received fatal alert: HandshakeFailure", NotSent::Tls),
            ("tcp connect error: Connection refused (os error 111)", NotSent::Connect),
        ] {
            assert_eq!(cause_of(&["error trying to connect".to_owned(), text.to_owned()]), cause, "{text}");
        }
    }
}
