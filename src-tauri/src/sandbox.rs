//! A first login for people who only want to look: the sandbox on this machine signs them in.

use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::endpoint::SANDBOX_ENDPOINT;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tauri::Url;
use tokio::net::TcpStream;

/// It is on this machine: it answers at once or does not run.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);
/// In bytes. A token response is a kilobyte or two.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A first token response, as JSON text.
pub(crate) async fn sign_in() -> Result<String, Problem> {
    tokio::time::timeout(ANSWERS_WITHIN, ask()).await.ok().flatten().ok_or_else(not_running)
}

async fn ask() -> Option<String> {
    let url = Url::parse(SANDBOX_ENDPOINT).ok()?.join("/sandbox/sign-in").ok()?;
    let address = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let stream = TcpStream::connect(&address).await.ok()?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    let connection = tokio::spawn(connection);
    let request = hyper::Request::post(url.path()).header(HOST, &address).body(Empty::<Bytes>::new()).ok()?;
    let answer = sender.send_request(request).await.ok().filter(|answer| answer.status().is_success())?;
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.ok()?.to_bytes();
    connection.abort();
    String::from_utf8(body.to_vec()).ok()
}

fn not_running() -> Problem {
    Problem::new(
        ProblemKind::TryLater,
        "No sandbox answers on this machine.",
        "Start one in a terminal, evertoken-sandbox, and press the button again.",
    )
}
