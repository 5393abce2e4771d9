//! The client against a small server on a real Unix socket: answers, problems, garbage, and agents that go away.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountSettings, LoginRequest, RefreshRequest};
use evertoken_core::config::paths::Paths;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

const REPORT: &str = r#"{"agent":{"version":"0.1.0","pid":1,"started_at":"2026-11-22T08:00:00Z"},"accounts":[]}"#;
const TOKEN: &str = r#"{"account":"a","access_token":"secret","token_type":"Bearer","expires_at":"2026-11-22T08:00:00Z","expires_in":60}"#;

struct Agent {
    paths: Paths,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<u32>>,
    _folder: TempDir,
}

fn listener() -> (TempDir, Paths, UnixListener) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let paths = Paths { config: folder.path().into(), state: folder.path().into(), socket };
    let listener = UnixListener::bind(&paths.socket).unwrap();
    (folder, paths, listener)
}

/// An agent that gives the same answer to everything, and remembers what it was asked.
fn agent(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Agent {
    let (folder, paths, listener) = listener();
    let (requests, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
    let (seen, opened, answer) = (Arc::clone(&requests), Arc::clone(&connections), Arc::new(answer));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *opened.lock().unwrap() += 1;
            let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
            let service = service_fn(move |request: Request<Incoming>| {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let line = format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body));
                    seen.lock().unwrap().push(line.trim_end().to_owned());
                    Ok::<_, hyper::Error>(answer())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Agent { paths, requests, connections, _folder: folder }
}

/// An agent that writes these bytes to whoever asks, and goes away.
fn raw_agent(bytes: &'static str) -> (TempDir, Paths) {
    let (folder, paths, listener) = listener();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(bytes.as_bytes()).await.unwrap();
        }
    });
    (folder, paths)
}

fn answer(status: u16, content_type: &str, body: &str) -> Answer {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes())).boxed_unsync();
    Response::builder().status(status).header("content-type", content_type).body(body).unwrap()
}

fn json(body: &'static str) -> impl Fn() -> Answer + Send + Sync {
    move || answer(200, "application/json", body)
}

#[tokio::test]
async fn a_token_costs_one_connection_and_one_request() {
    let agent = agent(json(TOKEN));
    let client = Client::connect(&agent.paths).await.unwrap();
    let account: AccountName = "team.eu_1-a".parse().unwrap();

    let token = client.token(Some(&account), Some(600)).await.unwrap();
    client.token(None, None).await.unwrap();

    assert_eq!(token.access_token, "secret");
    let asked = ["GET /v1/accounts/team.eu_1-a/token?min_valid=600", "GET /v1/accounts/-/token"];
    assert_eq!(*agent.requests.lock().unwrap(), asked);
    assert_eq!(*agent.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn calls_say_what_they_mean() {
    let agent = agent(|| answer(204, "application/json", ""));
    let client = Client::connect(&agent.paths).await.unwrap();
    let settings = Some(AccountSettings { client_id: Some("me".to_owned()), ..AccountSettings::default() });

    client.remove_account(None).await.unwrap();
    // No account in the answer of these: the request is what is looked at.
    drop(
        client
            .login(
                None,
                &LoginRequest {
                    credential: "r".to_owned(),
                    settings,
                    client_secret: None,
                    replace_user: false,
                    expected_endpoint: None,
                },
            )
            .await,
    );
    drop(client.refresh(None, RefreshRequest::default()).await);
    drop(client.refresh(None, RefreshRequest { min_valid: Some(0) }).await);
    drop(client.copy(None).await);

    let asked = [
        "DELETE /v1/accounts/-",
        r#"POST /v1/accounts/-/login {"credential":"r","settings":{"client_id":"me"}}"#,
        "POST /v1/accounts/-/refresh {}",
        r#"POST /v1/accounts/-/refresh {"min_valid":0}"#,
        "POST /v1/accounts/-/copy",
    ];
    assert_eq!(*agent.requests.lock().unwrap(), asked);
}

#[tokio::test]
async fn the_agents_own_sentences_arrive() {
    let problem = Problem::new(ProblemKind::LoginRequired, "The login expired.", "Log in again.");
    let body = serde_json::to_string(&problem).unwrap();
    let agent = agent(move || answer(403, "application/problem+json", &body));
    let client = Client::connect(&agent.paths).await.unwrap();
    assert_eq!(client.token(None, None).await.unwrap_err(), problem);
    assert_eq!(client.events().await.unwrap_err(), problem);
}

#[tokio::test]
async fn whoever_else_sits_on_the_socket_is_no_agent() {
    let page = agent(|| answer(200, "text/html", "<html>"));
    let client = Client::connect(&page.paths).await.unwrap();
    let problem = client.status().await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::AgentUnavailable);
    assert!(problem.detail.contains("another version"), "{problem:?}");

    for bytes in ["", "no HTTP at all\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", "HTTP/1.1 2"] {
        let (_folder, paths) = raw_agent(bytes);
        let client = Client::connect(&paths).await.unwrap();
        let problem = client.status().await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::AgentUnavailable, "{bytes}");
    }
}

#[tokio::test]
async fn a_login_is_never_sent_twice_on_its_own() {
    let (folder, paths, listener) = listener();
    let client = Client::connect(&paths).await.unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        assert_ne!(stream.read(&mut request).await.unwrap(), 0);
        drop(stream);
        listener
    });

    let login = LoginRequest {
        credential: "r".to_owned(),
        settings: None,
        client_secret: None,
        replace_user: false,
        expected_endpoint: None,
    };
    let problem = client.login(None, &login).await.unwrap_err();

    assert_eq!(problem.kind, ProblemKind::AgentUnavailable);
    let listener = server.await.unwrap().into_std().unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(folder);
}

#[tokio::test]
async fn a_client_survives_the_agents_restart() {
    let (_folder, paths, listener) = listener();
    let client = Client::connect(&paths).await.unwrap();
    let (first, _) = listener.accept().await.unwrap();
    drop((first, listener));
    std::fs::remove_file(&paths.socket).unwrap();

    let absent = client.status().await.unwrap_err();
    assert_eq!(absent.kind, ProblemKind::AgentUnavailable);

    let again = UnixListener::bind(&paths.socket).unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = again.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{REPORT}", REPORT.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    assert_eq!(client.status().await.unwrap().agent.pid, 1);
    served.await.unwrap();
}

#[tokio::test]
async fn reports_arrive_until_the_agent_ends() {
    let event = format!("event: status\ndata: {REPORT}\n\n");
    let pieces = [": hello\n\n", &event[..40], &event[40..], "data: {\n\n", "event: stat"]
        .map(|piece| Bytes::copy_from_slice(piece.as_bytes()));
    let agent = agent(move || {
        let frames = stream::iter(pieces.clone()).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    });
    let mut events = Client::connect(&agent.paths).await.unwrap().events().await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().agent.version, "0.1.0");
    assert!(events.next().await.unwrap().unwrap_err().detail.contains("another version"));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn no_agent_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths { config: folder.path().into(), state: folder.path().into(), socket: folder.path().join("none") };
    let problem = Client::connect(&paths).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::AgentUnavailable);
    assert!(problem.advice.contains("evertoken"), "{problem:?}");
}
