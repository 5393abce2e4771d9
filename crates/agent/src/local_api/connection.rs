//! Connections: bounded in number, in what they may send, and in how long they may take to ask.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::half_closed::{ALLOWS_HALF_CLOSE, FILES_EACH, until_closed};
use super::{Listener, routes};
use crate::request::OwnerHandle;

/// Far above what programs of one person need, below what hurts: each costs about 20 KiB while it is open.
const MOST_CONNECTIONS: usize = 2048;
/// Files that stay free for what keeps the login alive, whoever connects: journal, keychain, token request, desktop.
const OWN_FILES: usize = 96;
/// A client on the same machine writes its request at once; one that does not is stuck or hostile.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests are small; the largest carries a pasted token response.
const LARGEST_HEADER: usize = 16 << 10;

pub(super) async fn accept_all(listener: Listener, router: Router, owner: OwnerHandle) {
    let files = super::open_files(MOST_CONNECTIONS * FILES_EACH + OWN_FILES);
    let places = Arc::new(Semaphore::new((files.saturating_sub(OWN_FILES) / FILES_EACH).max(1)));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Some(stream) = listener.accept().await else { continue };
        let (router, owner) = (router.clone(), owner.clone());
        let peer = super::peer(&stream);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer);
                let answer = routes::answer(router.clone(), owner.clone(), request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(LARGEST_HEADER);
            http.half_close(ALLOWS_HALF_CLOSE);
            let client_left = until_closed(&stream);
            tokio::select! {
                // A client that breaks off is its own affair.
                _ = http.serve_connection(TokioIo::new(stream), service) => {}
                () = client_left => {}
            }
            drop(place);
        });
    }
}
