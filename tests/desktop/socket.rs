//! The local API without a client library: what `curl --unix-socket` would do, only faster.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::Desktop;

/// An answer of the agent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Desktop {
    /// One call, as in `api("GET /v1/status", "")`; `None` when nobody answers.
    pub(crate) async fn api(&self, call: &str, body: &str) -> Option<Answer> {
        let length = body.len();
        let request = format!(
            "{call} HTTP/1.1\r\nHost: evertoken\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = UnixStream::connect(self.socket()).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        })
    }

    /// Stands in for the agent: gives this answer to whatever is asked.
    pub(crate) fn pretend_to_be_the_agent(&self, head: &str, body: &str) {
        fs::create_dir_all(self.socket().parent().unwrap()).unwrap();
        let listener = UnixListener::bind(self.socket()).unwrap();
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if stream.read(&mut [0; 1024]).unwrap() > 0 {
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
    }

    /// The access token as the first reader sees it; `None` when there is none now.
    pub(crate) async fn token_over_the_socket(&self, account: &str) -> Option<String> {
        let answer = self.api(&format!("GET /v1/accounts/{account}/token"), "").await?;
        answer.body["access_token"].as_str().map(str::to_owned)
    }
}

/// The events of a sign-in. It ends with this value.
pub(crate) struct SignInStream {
    stream: UnixStream,
    text: String,
}

impl Desktop {
    /// Begins a sign-in of `default` over the socket.
    pub(crate) async fn sign_in_stream(&self, way: &str, body: &Value) -> SignInStream {
        let body = body.to_string();
        let request = format!(
            "POST /v1/accounts/default/login/{way} HTTP/1.1\r\nHost: evertoken\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        SignInStream { stream, text: String::new() }
    }
}

impl SignInStream {
    /// Waits for the event of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        let wanted = format!("event: {name}\ndata: ");
        let read = async {
            loop {
                if let Some((_, rest)) = self.text.split_once(&wanted)
                    && let Some((data, _)) = rest.split_once("\n\n")
                {
                    return serde_json::from_str(data).unwrap();
                }
                let mut bytes = [0; 4096];
                let length = self.stream.read(&mut bytes).await.unwrap();
                assert!(length > 0, "no event {name}: {}", self.text);
                self.text.push_str(&String::from_utf8_lossy(&bytes[..length]));
            }
        };
        tokio::time::timeout(super::PATIENCE, read).await.unwrap_or_else(|_| panic!("no event {name}"))
    }
}
