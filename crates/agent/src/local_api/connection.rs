//! Connections: bounded in number, in what they may send, and in how long they may take to ask.

use std::convert::Infallible;
use std::future::pending;
use std::io::Cursor;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::time::{timeout, timeout_at};

use super::half_closed::{ALLOWS_HALF_CLOSE, FILES_EACH, until_closed};
use super::routes::Api;
use super::usual_read::{self, Begun};
use super::{Listener, Stream};
use crate::system::peer::Peer;

/// Far above what programs of one person need, below what hurts: each costs 2 KiB while it is silent, and up to 28 KiB.
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
        let served = serve(stream, Arc::clone(&api), peer, closing.clone());
        tokio::spawn(async move {
            served.await;
            drop(place);
        });
    }
    let all = u32::try_from(most).unwrap_or(u32::MAX);
    // Who follows events stays until the end.
    let _ = timeout(ANSWERED_WITHIN, places.acquire_many(all)).await;
}

/// Answers a client until it leaves.
async fn serve(mut stream: Stream, api: Arc<Api>, peer: Peer, mut closing: watch::Receiver<bool>) {
    if let Some(begun) = usual_read::answer(&mut stream, &api.owner, &peer, HEADER_TIMEOUT, &mut closing).await {
        // Apart, for its size: most clients never need it.
        Box::pin(answer(stream, begun, api, peer, closing)).await;
    }
}

/// Answers whatever a client may ask for.
async fn answer(stream: Stream, begun: Begun, api: Arc<Api>, peer: Peer, mut closing: watch::Receiver<bool>) {
    let (asked_now, asked) = watch::channel(false);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        asked_now.send_replace(true);
        let answer = Arc::clone(&api).answer(peer.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(LARGEST_HEADER);
    http.half_close(ALLOWS_HALF_CLOSE);
    let client_left = pin!(until_closed(&stream));
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(Cursor::new(begun.read).chain(reader), writer);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let until_asked = async |mut asked: watch::Receiver<bool>| drop(asked.wait_for(|asked| *asked).await);
    // hyper counts the time of the first request from now.
    let is_late = async {
        if timeout_at(begun.until, until_asked(asked.clone())).await.is_ok() {
            pending().await
        }
    };
    let closed = async {
        let _ = closing.wait_for(|closing| *closing).await;
    };
    // Most answers are ready at the task's next turn, and then nobody has to watch.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = tokio::task::yield_now() => {}
    }
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = connection.as_mut() => return,
        () = client_left => return,
        () = is_late => return,
        () = closed => {}
    }
    // hyper would close a connection at once whose first request is still on its way.
    if !begun.has_asked {
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = timeout(ANSWERED_WITHIN / 2, until_asked(asked)) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use evertoken_core::api::problem::{Problem, ProblemKind};
    use evertoken_core::api::requests::TokenAnswer;
    use jiff::Timestamp;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;
    use crate::request::tests::handle;
    use crate::request::{Call, Life, TakesCalls};
    use crate::store::token_file::TokenFileStore;

    /// An agent that has a token for `a` alone.
    fn token_of_a(call: Call) {
        let Call::Token(account, _, _, reply) = call else { return };
        let answer = match account {
            Some(name) if name.as_str() == "a" => Ok(TokenAnswer {
                account: name,
                access_token: "t".repeat(5_000),
                token_type: "Bearer".to_owned(),
                expires_at: Timestamp::UNIX_EPOCH,
                expires_in: 9,
                identity: None,
            }),
            _ => Err(Problem::new(ProblemKind::UnknownAccount, "There is no such account.", "See `evertoken status`.")),
        };
        let _ = reply.send(answer);
    }

    /// An agent at the other end of a client's connection.
    fn agent(take_call: TakesCalls) -> (UnixStream, JoinHandle<()>) {
        let (owner, _life) = handle(take_call, Life::Running);
        let api = Arc::new(Api::new(owner, TokenFileStore::new(Path::new("/nonexistent").to_owned())));
        let (client, stream) = UnixStream::pair().unwrap();
        let served = async move {
            let (_closing, closed) = watch::channel(false);
            serve(stream, api, Peer::new(None), closed).await;
        };
        (client, tokio::spawn(served))
    }

    /// What is answered to a client that writes these parts, each once the one before was read, and nothing more.
    async fn answers(parts: &[&str]) -> String {
        let (mut client, served) = agent(Arc::new(token_of_a));
        for part in parts {
            client.write_all(part.as_bytes()).await.unwrap();
            // The agent's turn comes after the system was asked what can be read.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        client.shutdown().await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        served.await.unwrap();
        answers
    }

    /// The lines of a head in one order, and without what depends on the time.
    fn sorted(answer: &str) -> (Vec<&str>, &str) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with("date: ")).collect();
        assert_eq!(lines.len() + 1, head.split("\r\n").count(), "one date: {head}");
        lines.sort_unstable();
        (lines, body)
    }

    #[tokio::test]
    async fn a_usual_read_is_answered_as_the_library_answers_it() {
        for account in ["a", "b", "-"] {
            for connection in ["", "Connection: close\r\n", "Connection: keep-alive\r\n"] {
                let request =
                    format!("GET /v1/accounts/{account}/token HTTP/1.1\r\nHost: localhost\r\n{connection}\r\n");
                let unusual = request.replace("Host", "Cache-Control: no-cache\r\nHost");
                let (usual, by_library) = (answers(&[&request]).await, answers(&[&unusual]).await);
                assert_eq!(sorted(&usual), sorted(&by_library), "{request}");
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_lost_between_the_two_ways() {
        let usual = "GET /v1/accounts/b/token HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let other = "GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let twice = usual.repeat(2);
        let (begin, end) = usual.split_at(40);
        for (parts, expected) in [
            (&[usual, usual, other, usual][..], 4),
            (&[other, usual], 2),
            (&[&twice, usual], 3),
            (&[begin, end, usual], 2),
            (&[usual, begin, end], 2),
            (&[usual, begin], 1),
            (&[], 0),
        ] {
            let answers = answers(parts).await;
            assert_eq!(answers.matches("HTTP/1.1 404 Not Found\r\n").count(), expected, "{parts:?}: {answers}");
        }
    }

    /// As fast as a client may send them, and so long that the next one may already have come.
    #[tokio::test]
    async fn each_read_is_asked_for_once() {
        for length in [100, 511, 512, 513] {
            let asked = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&asked);
            let (client, served) = agent(Arc::new(move |call| {
                counted.fetch_add(1, Relaxed);
                token_of_a(call);
            }));
            let begin = "GET /v1/accounts/b/token HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ";
            let request = format!("{begin}{}\r\n\r\n", "x".repeat(length - begin.len() - 4));
            let (mut reader, mut writer) = client.into_split();
            let written = tokio::spawn(async move {
                writer.write_all(request.repeat(300).as_bytes()).await.unwrap();
                writer.shutdown().await.unwrap();
            });
            let mut answers = String::new();
            reader.read_to_string(&mut answers).await.unwrap();
            written.await.unwrap();
            served.await.unwrap();
            assert_eq!(answers.matches("HTTP/1.1 404 Not Found\r\n").count(), 300, "of {length} bytes");
            assert_eq!(asked.load(Relaxed), 300, "of {length} bytes");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_has_five_seconds_whichever_way_is_to_answer_it() {
        let usual = "GET /v1/accounts/b/token HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for (before, begin) in [("", ""), ("", "GET /"), (usual, ""), (usual, "GET /")] {
            let (mut client, _served) = agent(Arc::new(token_of_a));
            client.write_all(before.as_bytes()).await.unwrap();
            let start = Instant::now();
            tokio::time::sleep(HEADER_TIMEOUT - Duration::from_secs(1)).await;
            client.write_all(begin.as_bytes()).await.unwrap();
            let mut answers = String::new();
            client.read_to_string(&mut answers).await.unwrap();
            let taken = start.elapsed();
            assert!(taken.abs_diff(HEADER_TIMEOUT) < Duration::from_millis(100), "{before:?} {begin:?}: {taken:?}");
        }
    }
}
