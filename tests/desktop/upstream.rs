//! The server behind the proxy, in the test process: reads HTTP/1.1 as strictly as it can be read, and notes it all.

mod received;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use received::{Miss, read};

pub(crate) use received::Received;

/// Of a download, written at once.
const PIECE: usize = 64 << 10;

#[derive(Default)]
struct Notes {
    /// Request lines, also of those that never came whole.
    begun: Vec<String>,
    received: Vec<Received>,
    /// Connections that ended in the middle of a request.
    broken: usize,
    /// What is not HTTP/1.1 to the letter.
    malformed: Vec<String>,
    refused: HashSet<String>,
    refuses_all: bool,
}

/// A running server; it ends with this value.
pub(crate) struct Upstream {
    scheme: &'static str,
    port: u16,
    notes: Arc<Mutex<Notes>>,
    go: watch::Sender<bool>,
    listener: tokio::task::JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        Self::listen(None).await
    }

    pub(crate) async fn start_with_tls(acceptor: TlsAcceptor) -> Self {
        Self::listen(Some(acceptor)).await
    }

    async fn listen(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let notes = Arc::new(Mutex::new(Notes::default()));
        let go = watch::Sender::new(false);
        let (shared, signal) = (Arc::clone(&notes), go.clone());
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (notes, go, tls) = (Arc::clone(&shared), signal.subscribe(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &notes, go).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &notes, go).await;
                            }
                        }
                    }
                });
            }
        });
        Self { scheme, port, notes, go, listener }
    }

    /// As in `http://127.0.0.1:4000`.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host())
    }

    /// As `Host` has it.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Answers 401 to this token from now on.
    pub(crate) fn refuse(&self, token: &str) {
        self.notes.lock().unwrap().refused.insert(token.to_owned());
    }

    /// Answers 401 to every token from now on.
    pub(crate) fn refuse_all(&self) {
        self.notes.lock().unwrap().refuses_all = true;
    }

    /// Lets everything go on that waits at `/hold`.
    pub(crate) fn go_on(&self) {
        self.go.send_replace(true);
    }

    /// Every request that came whole.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.notes.lock().unwrap().received.clone()
    }

    /// Their request lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().into_iter().map(|request| request.line).collect()
    }

    /// The only request since the last call of this.
    pub(crate) fn take_one(&self) -> Received {
        let mut all = std::mem::take(&mut self.notes.lock().unwrap().received);
        assert_eq!(all.len(), 1, "one request: {all:?}");
        all.remove(0)
    }

    /// Whether a request with this line has begun to come.
    pub(crate) fn has_begun(&self, line: &str) -> bool {
        self.notes.lock().unwrap().begun.iter().any(|begun| begun == line)
    }

    /// How many requests broke off.
    pub(crate) fn broken(&self) -> usize {
        self.notes.lock().unwrap().broken
    }

    /// What came that is no HTTP/1.1.
    pub(crate) fn malformed(&self) -> Vec<String> {
        self.notes.lock().unwrap().malformed.clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, notes: &Mutex<Notes>, mut go: watch::Receiver<bool>) {
    let mut buffer = Vec::new();
    loop {
        let begun = |line: &str| notes.lock().unwrap().begun.push(line.to_owned());
        match read(&mut stream, &mut buffer, begun).await {
            Ok((request, counted)) => {
                notes.lock().unwrap().received.push(request.clone());
                let refused = {
                    let notes = notes.lock().unwrap();
                    notes.refuses_all || notes.refused.contains(&request.token())
                };
                if answer(&mut stream, &request, counted, refused, &mut go).await.is_none() {
                    return;
                }
            }
            Err(Miss::Left) => return,
            Err(Miss::Broken) => return notes.lock().unwrap().broken += 1,
            Err(Miss::Malformed(what)) => return notes.lock().unwrap().malformed.push(what),
        }
    }
}

/// Answers by the path; `None`: the connection is done.
async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Received,
    counted: u64,
    refused: bool,
    go: &mut watch::Receiver<bool>,
) -> Option<()> {
    let say = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let (path, query) = request.path().split_once('?').unwrap_or((request.path(), ""));
    let text = match path {
        _ if refused => say("401 Unauthorized", "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n", "refused"),
        "/redirect" => say("307 Temporary Redirect", "Location: https://elsewhere.example/\r\n", ""),
        "/hop" => say(
            "200 OK",
            "Connection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nX-Yours: 2\r\nTrailer: X-T\r\n",
            "ok",
        ),
        "/echo" => say("200 OK", "", &String::from_utf8_lossy(&request.body)),
        "/upload" => say("200 OK", "", &counted.to_string()),
        "/garbage" => "this is no HTTP\r\n\r\n".to_owned(),
        "/close" => return None,
        "/surprise" => "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_owned(),
        "/hold" => {
            go.wait_for(|go| *go).await.ok()?;
            say("200 OK", "", "held")
        }
        "/events" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(format!("{head}9\r\ndata: 1\n\n\r\n").as_bytes()).await.ok()?;
            stream.flush().await.ok()?;
            go.wait_for(|go| *go).await.ok()?;
            "9\r\ndata: 2\n\n\r\n0\r\n\r\n".to_owned()
        }
        "/download" => {
            let mut left: usize = query.parse().unwrap();
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n").as_bytes()).await.ok()?;
            let piece = vec![b'x'; PIECE];
            while left > 0 {
                let here = left.min(PIECE);
                stream.write_all(&piece[..here]).await.ok()?;
                left -= here;
            }
            String::new()
        }
        "/cut" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await.ok()?;
            return None;
        }
        "/socket" if request.all("upgrade") == ["websocket"] => {
            let key = request.all("sec-websocket-key").join("");
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: {key}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            let mut piece = vec![0; 1024];
            loop {
                let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
                stream.write_all(&piece[..count].to_ascii_uppercase()).await.ok()?;
            }
        }
        _ => say("200 OK", "", "ok"),
    };
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
