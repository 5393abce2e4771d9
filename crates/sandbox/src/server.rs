//! Connections: accept, TLS, routes, and closing without an answer where a fault asks for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{any, get, post};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::Service as _;

use crate::answer::Answer;
use crate::http::CloseConnection;
use crate::state::Shared;
use crate::token_request::{Dialect, Encoding};
use crate::{authorization_endpoint, control, resource, token_endpoint};

/// After a failed accept: out of file descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the process ends.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    shared: Shared,
    encoding: Encoding,
    metadata: Value,
) {
    let router = router(shared.clone(), encoding, metadata);
    let tls = tls.map(TlsAcceptor::from);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // As servers do: an answer does not wait until the client has confirmed the handshake.
        let _ = stream.set_nodelay(true);
        let (router, shared, tls) = (router.clone(), shared.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(stream, router, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        connection(stream, router, shared).await;
                    }
                }
            }
        });
    }
}

fn router(shared: Shared, encoding: Encoding, metadata: Value) -> Router {
    let token = |dialect| {
        any(move |State(shared): State<Shared>, request: Request| token_endpoint::answer(shared, dialect, request))
    };
    let mut router = Router::new()
        .route("/v2.0/reference/gettoken", token(Dialect::Reference))
        .route("/v2.0/user/info", get(resource::user_info))
        .route("/sandbox/sign-in", post(control::sign_in))
        .route("/sandbox/expire", post(control::expire))
        .route("/sandbox/faults", post(control::queue_faults).get(control::show_faults).delete(control::clear_faults))
        .route("/sandbox/release", post(control::release))
        .route("/sandbox/requests", get(control::requests))
        .route("/sandbox/clock", post(control::set_clock).get(control::show_clock))
        .route("/sandbox/tokens/{fingerprint}", get(control::inspect));
    if encoding.takes_form() {
        router = router
            .route("/oauth/token", token(Dialect::OAuth))
            .route("/oauth/revoke", token(Dialect::Revocation))
            .route("/oauth/authorize", get(authorization_endpoint::ask).post(authorization_endpoint::answer))
            .route("/oauth/device_authorization", post(authorization_endpoint::device))
            .route(
                "/oauth/device",
                get(authorization_endpoint::device_page).post(authorization_endpoint::answer_device),
            )
            .route("/sandbox/authorization", post(control::set_consent))
            .route("/sandbox/device", post(control::answer_device))
            .route("/.well-known/oauth-authorization-server", get(async move || Answer::json(200, &metadata)));
    }
    router
        .fallback(async || Answer::common(404, "There is nothing at this path"))
        .method_not_allowed_fallback(async || Answer::common(405, "This path does not take this method"))
        .with_state(shared)
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router, shared: Shared) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (mut router, shared) = (router.clone(), shared.clone());
        async move {
            let Ok(response) = router.call(request.map(Body::new)).await;
            if response.extensions().get::<CloseConnection>().is_some() {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            }
            Ok(dated(response, &shared))
        }
    });
    // How a connection ends is nobody's concern: a cut answer ends it with an error on purpose.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// The server's own clock, unless a fault set another date (RFC 9110 section 6.6.1).
fn dated(mut response: Response, shared: &Shared) -> Response {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&shared.now());
    if let Ok(value) = date.map_err(drop).and_then(|date| HeaderValue::try_from(date).map_err(drop)) {
        response.headers_mut().entry(header::DATE).or_insert(value);
    }
    response
}
