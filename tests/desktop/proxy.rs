//! A running `evertoken proxy`, and clients that are well-behaved or not.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, RequestBuilder, redirect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Desktop;
use super::deadline::PATIENCE;
use super::process::Process;
use super::procfs::{self, Pid};

/// A proxy on a free port of loopback; killed when it goes.
pub(crate) struct Proxy {
    process: Process,
    /// As in `http://127.0.0.1:4000`.
    pub(crate) url: String,
    /// The bearer token of this run.
    pub(crate) token: String,
    log: PathBuf,
    http: reqwest::Client,
}

impl Proxy {
    /// Starts one with these options, separated by spaces, and waits until it listens.
    pub(crate) fn start(desktop: &Desktop, options: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = desktop.environment.path(format!("logs/proxy-{number}.log"));
        let mut command = desktop.command(&format!("proxy {options}"));
        command.env("EVERTOKEN_LOG", "trace").stderr(File::create(&log).unwrap());
        let mut url = String::new();
        let (process, token) = Process::spawn_until_line(&mut command, |line| {
            if let Some(given) = line.strip_prefix("EVERTOKEN_PROXY_URL=") {
                url = given.to_owned();
            }
            line.strip_prefix("EVERTOKEN_PROXY_TOKEN=").map(str::to_owned)
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE * 4)
            .build()
            .unwrap();
        Self { process, url, token, log, http }
    }

    /// A request of a client that shows the run's token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// The status of a GET.
    pub(crate) async fn get(&self, path: &str) -> u16 {
        self.request(Method::GET, path).send().await.unwrap().status().as_u16()
    }

    /// As `127.0.0.1:4000`.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A connection without any library.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// Says these bytes and gives what is answered until the proxy closes.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A proxy that refuses closes before everything is written; that is its right.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let reading = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(
            reading.is_ok(),
            "it does not close after {:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
        );
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak(&self) -> u64 {
        procfs::peak_resident_set_size(self.pid())
    }

    /// SIGTERM, then the end within a bound.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.process.terminate().await
    }

    /// Everything it said so far on standard error, at the most talkative level.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}
