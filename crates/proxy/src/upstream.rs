//! The way to the upstream servers: pooled HTTP/1.1, TLS with the operating system's trust store, the system's proxy.

use std::error::Error;
use std::future::ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{self, Client};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use tokio::net::TcpStream;
use tower::Service;

use crate::names::Names;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// A host that does not take the connection, with its name lookup and TLS handshake, within this time is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the minute after which usual servers close a connection, so that few requests meet a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection whose other end is silent to TCP itself for so long is dead: a sleeping machine loses them without a word.
const LOST_AFTER: Duration = Duration::from_secs(30);
/// In bytes: the largest header section of an answer, and what is read at once.
const BUFFER: usize = 64 << 10;

/// The client broke off in the middle of its body, or the body is not as HTTP has it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the client's body ended early")]
pub(crate) struct ClientBroke;

/// The environment names a proxy that is not spoken to with HTTP.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("only HTTP proxies are known")]
struct UnknownProxy;

pub(crate) type UpstreamBody = UnsyncBoxBody<Bytes, ClientBroke>;
type BoxError = Box<dyn Error + Send + Sync>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Sends requests. Follows no redirect and repeats nothing that may have been sent.
#[derive(Debug, Clone)]
pub(crate) struct Upstream(Client<Bounded, UpstreamBody>);

impl Upstream {
    pub(crate) fn new(allowed: &[Origin]) -> Result<Self, rustls::Error> {
        let direct = direct();
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .try_with_platform_verifier()?
            .with_no_client_auth();
        let https = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let to_proxy = https().wrap_connector(direct.clone());
        let loopback = allowed.iter().filter(|origin| origin.is_loopback()).map(|o| o.authority().host().to_owned());
        let road = Road { direct, to_proxy, system: Arc::new(Matcher::from_system()), loopback: loopback.collect() };
        let connector = Bounded(https().wrap_connector(road));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        Ok(Self(client))
    }

    /// The upstream's answer, as soon as its header section is here.
    pub(crate) async fn send(&self, request: Request<UpstreamBody>) -> Result<Response<Incoming>, Refusal> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        self.0.request(request).await.map_err(|error| why(&error, &host))
    }
}

fn direct() -> HttpConnector<Names> {
    let mut connector = HttpConnector::new_with_resolver(Names);
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(LOST_AFTER));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(LOST_AFTER));
    connector
}

/// The connection below TLS: straight there, or through the proxy that the system names.
#[derive(Debug, Clone)]
struct Road {
    direct: HttpConnector<Names>,
    to_proxy: HttpsConnector<HttpConnector<Names>>,
    system: Arc<Matcher>,
    /// Hosts on this machine: they need no proxy, and plain http must not meet one.
    loopback: Arc<[String]>,
}

impl Service<Uri> for Road {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let is_here = to.host().is_some_and(|host| self.loopback.iter().any(|own| own == host));
        let Some(proxy) = self.system.intercept(&to).filter(|_| !is_here) else {
            let connecting = self.direct.call(to);
            return Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
            return Box::pin(ready(Err(UnknownProxy.into())));
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let connecting = tunnel.call(to);
        Box::pin(async { Ok(connecting.await?) })
    }
}

/// A connection with everything that belongs to it, within [`CONNECT_TIMEOUT`].
#[derive(Debug, Clone)]
struct Bounded(HttpsConnector<Road>);

impl Service<Uri> for Bounded {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async {
            let in_time = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
            in_time.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}

/// One sentence and the name of RFC 9209 section 2.3. Tells causes apart by their texts where there is no type: it
/// changes the sentence and nothing else.
fn why(error: &legacy::Error, host: &str) -> Refusal {
    let causes = || std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    if causes().any(|cause| cause.is::<ClientBroke>()) {
        return Refusal::malformed("The request's body broke off or is not as HTTP has it.");
    }
    if causes().any(|cause| cause.is::<UnknownProxy>()) {
        return Refusal::unknown_proxy(host);
    }
    let says = |words: &[&str]| causes().any(|cause| words.iter().any(|word| cause.to_string().contains(word)));
    let is = |kind| causes().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| error.kind() == kind);
    let bad_gateway = |name, what: &str| Refusal::upstream(StatusCode::BAD_GATEWAY, name, &format!("{host} {what}."));
    if error.is_connect() && is(io::ErrorKind::TimedOut) {
        let detail = format!("{host} did not take the connection within {} s.", CONNECT_TIMEOUT.as_secs());
        return Refusal::upstream(StatusCode::GATEWAY_TIMEOUT, "connection_timeout", &detail);
    }
    if !error.is_connect() {
        return match causes().any(|cause| cause.downcast_ref().is_some_and(hyper::Error::is_parse)) {
            true => bad_gateway("http_protocol_error", "answered something that is not HTTP/1.1"),
            false => bad_gateway("http_response_incomplete", "closed the connection before it answered"),
        };
    }
    if says(&["dns error", "failed to lookup"]) {
        bad_gateway("dns_error", "cannot be resolved")
    } else if says(&["certificate", "received fatal alert", "corrupt message", "HandshakeFailure", "InvalidMessage"]) {
        bad_gateway("tls_certificate_error", "has a certificate that is not trusted, or speaks no TLS")
    } else if is(io::ErrorKind::ConnectionRefused) {
        bad_gateway("connection_refused", "refuses the connection")
    } else {
        bad_gateway("destination_unavailable", "cannot be reached")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[tokio::test]
    async fn a_connection_that_was_lost_while_the_machine_slept_is_noticed() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let to = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();

        let connection = direct().call(to).await.unwrap();

        let socket = rustix::fd::AsFd::as_fd(connection.inner());
        assert!(rustix::net::sockopt::socket_keepalive(socket).unwrap());
        assert_eq!(rustix::net::sockopt::tcp_keepidle(socket).unwrap(), LOST_AFTER);
        assert_eq!(rustix::net::sockopt::tcp_user_timeout(socket).unwrap(), 30_000);
    }
}
