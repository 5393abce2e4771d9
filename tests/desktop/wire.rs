//! A token endpoint of raw bytes, in the test process: it can say what no HTTP server would.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What the endpoint does with a connection.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Reads the request, says these bytes and closes.
    Says(Vec<u8>),
    /// The same without reading first.
    SpeaksFirst(Vec<u8>),
    /// Reads the request and says one of these bytes a second.
    Drips(Vec<u8>),
    /// Reads the request and says the bytes of the first path that it asks for; 404 for every other one.
    Serves(Vec<(&'static str, Vec<u8>)>),
    /// Reads the request and says nothing.
    Hangs,
    /// Closes without reading.
    Closes,
    /// Reads the request and resets the connection.
    Resets,
}

/// A running endpoint. It hangs up on everybody when it changes its behaviour, and ends with this value.
pub(crate) struct Wire {
    scheme: &'static str,
    port: u16,
    behaviour: watch::Sender<Behaviour>,
    seen: Arc<Mutex<Seen>>,
    listener: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<String>,
}

impl Wire {
    /// Listens on a free port and does this to everybody who comes.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::listen(behaviour, None).await
    }

    /// The same behind TLS.
    pub(crate) async fn start_with_tls(behaviour: Behaviour, acceptor: TlsAcceptor) -> Self {
        Self::listen(behaviour, Some(acceptor)).await
    }

    async fn listen(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let seen = Arc::new(Mutex::new(Seen::default()));
        let behaviour = watch::Sender::new(behaviour);
        let (behaviours, notes) = (behaviour.clone(), Arc::clone(&seen));
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                notes.lock().unwrap().connections += 1;
                tokio::spawn(connection(stream, tls.clone(), behaviours.subscribe(), Arc::clone(&notes)));
            }
        });
        Self { scheme, port, behaviour, seen, listener }
    }

    /// The token endpoint's URL.
    pub(crate) fn endpoint(&self) -> String {
        self.url("/token")
    }

    /// A URL on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    /// From now on it does this; whoever still waits is hung up on.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Every request that was read, as it came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The refresh token of each request, in order.
    pub(crate) fn presented(&self) -> Vec<String> {
        let token = |request: &String| {
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            let body: Value = serde_json::from_str(body).unwrap();
            body["refresh_token"].as_str().unwrap().to_owned()
        };
        self.requests().iter().map(token).collect()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    mut behaviours: watch::Receiver<Behaviour>,
    seen: Arc<Mutex<Seen>>,
) {
    let behaviour = behaviours.borrow_and_update().clone();
    if matches!(behaviour, Behaviour::Resets) {
        stream.set_zero_linger().unwrap();
    }
    let talk = async {
        match tls {
            // A client that does not like the certificate leaves: that is what some tests want to see.
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => perform(stream, behaviour, &seen).await,
                Err(_) => None,
            },
            None => perform(stream, behaviour, &seen).await,
        }
    };
    tokio::select! {
        _ = talk => {}
        _ = behaviours.changed() => {}
    }
}

async fn perform(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behaviour: Behaviour,
    seen: &Mutex<Seen>,
) -> Option<()> {
    match behaviour {
        Behaviour::Closes => {}
        Behaviour::SpeaksFirst(bytes) => say(&mut stream, &bytes).await?,
        Behaviour::Says(bytes) => {
            read_request(&mut stream, seen).await?;
            say(&mut stream, &bytes).await?;
        }
        Behaviour::Serves(pages) => {
            let request = read_request(&mut stream, seen).await?;
            let page = pages.into_iter().find(|(path, _)| request.split(' ').nth(1) == Some(path));
            say(&mut stream, &page.map_or_else(|| answer("404 Not Found", "", ""), |(_, bytes)| bytes)).await?;
        }
        Behaviour::Drips(bytes) => {
            read_request(&mut stream, seen).await?;
            let mut pace = tokio::time::interval(Duration::from_secs(1));
            for byte in bytes {
                pace.tick().await;
                stream.write_all(&[byte]).await.ok()?;
                stream.flush().await.ok()?;
            }
        }
        Behaviour::Hangs => {
            read_request(&mut stream, seen).await?;
            std::future::pending::<()>().await;
        }
        Behaviour::Resets => {
            read_request(&mut stream, seen).await?;
        }
    }
    Some(())
}

async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.shutdown().await.ok()?;
    // Unread bytes at the time of closing would reset the connection and take the answer along.
    tokio::io::copy(stream, &mut tokio::io::sink()).await.ok()?;
    Some(())
}

/// Reads head and body of one request.
async fn read_request(stream: &mut (impl AsyncRead + Unpin), seen: &Mutex<Seen>) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let length =
            lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).find_map(|(_, n)| n.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            seen.lock().unwrap().requests.push(text.clone().into_owned());
            return Some(text.into_owned());
        }
    }
}

/// An answer of this status with these header lines and this body, well-formed.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A documented grant.
pub(crate) fn grant(access_token: &str, refresh_token: &str, expires_in: u64) -> Behaviour {
    let body = json!({ "access_token": access_token, "token_type": "Bearer", "refresh_token": refresh_token,
        "scope": "accounts:read", "expires_in": expires_in, "user_id": "usr:1" });
    Behaviour::Says(answer("200 OK", "Content-Type: application/json\r\n", body.to_string()))
}
