//! Connections: bounded in number, in what they may send, and in how long they may take to ask.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Notify, Semaphore, watch};

use super::Listener;
use super::half_closed::{ALLOWS_HALF_CLOSE, FILES_EACH, until_closed};
use super::routes::Api;

/// Far above what programs of one person need, below what hurts: each costs about 20 KiB while it is open.
const MOST_CONNECTIONS: usize = 2048;
/// Files that stay free for what keeps the login alive, whoever connects: journal, keychain, token request, desktop.
const OWN_FILES: usize = 96;
/// A client on the same machine writes its request at once; one that does not is stuck or hostile.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Every answer from memory is written within milliseconds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(500);
/// Requests are small; the largest carries a pasted token response.
const LARGEST_HEADER: usize = 16 << 10;

/// Accepts clients until `closing`, and then waits for those who have come in.
pub(super) async fn accept_all(listener: &Listener, api: Api, mut closing: watch::Receiver<bool>) {
    let files = super::open_files(MOST_CONNECTIONS * FILES_EACH + OWN_FILES);
    let most = (files.saturating_sub(OWN_FILES) / FILES_EACH).max(1);
    let api = Arc::new(api);
    let places = Arc::new(Semaphore::new(most));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await?))
        };
        let (place, (stream, peer)) = tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            next = next => match next {
                Some(next) => next,
                None => continue,
            },
        };
        let api = Arc::clone(&api);
        let mut closing = closing.clone();
        tokio::spawn(async move {
            let asked = Arc::new(Notify::new());
            let has_asked = Arc::clone(&asked);
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                has_asked.notify_one();
                let answer = Arc::clone(&api).answer(peer.clone(), request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(LARGEST_HEADER);
            http.half_close(ALLOWS_HALF_CLOSE);
            let client_left = pin!(until_closed(&stream));
            let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
            let closed = async {
                let _ = closing.wait_for(|closing| *closing).await;
            };
            // Most answers are ready at the task's next turn, and then nobody has to watch.
            tokio::select! {
                biased;
                _ = connection.as_mut() => return drop(place),
                () = tokio::task::yield_now() => {}
            }
            tokio::select! {
                // A client that breaks off is its own affair.
                _ = connection.as_mut() => return drop(place),
                () = client_left => return drop(place),
                () = closed => {}
            }
            // hyper would close a connection at once whose first request is still on its way.
            tokio::select! {
                _ = connection.as_mut() => return drop(place),
                _ = tokio::time::timeout(ANSWERED_WITHIN / 2, asked.notified()) => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
            drop(place);
        });
    }
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // Who follows events stays until the end.
    let _ = tokio::time::timeout(ANSWERED_WITHIN, places.acquire_many(all)).await;
}
