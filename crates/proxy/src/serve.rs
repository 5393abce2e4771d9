//! The proxy as a whole: bound, announced, served, ended.

use std::convert::Infallible;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use evertoken_client::Client;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::BufReader;
use tokio::pin;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use crate::bearer::RunToken;
use crate::forward::Forwarder;
use crate::gate::Gate;
use crate::listen::{Connection, Listen, Listener};
use crate::origin::Origin;
use crate::signals::Signals;
use crate::tokens::Tokens;
use crate::upstream::Upstream;
use crate::{Announcement, child, logging, process, version};

/// How long a client may take for a header section; a connection on which none comes is closed after it as well. Long
/// enough that usual clients' pools close theirs first, short enough that slow ones do not keep the places of others.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// In bytes: the largest header section of a request, and what is read at once.
const BUFFER: usize = 64 << 10;
/// In bytes: enough to tell HTTP/2. Reads of more than this bypass it.
const FIRST_BYTES: usize = 64;
/// How long requests that are under way may take when the proxy is asked to end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);
/// Out of files or memory: it passes when others leave.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// What a proxy is for.
#[derive(Debug)]
pub struct Options {
    /// Whose token is added; `None`: the default account's, or the only one's.
    pub account: Option<AccountName>,
    /// Where clients connect.
    pub listen: Listen,
    /// Where requests may go. The first is meant when a request names none.
    pub allowed: Vec<Origin>,
}

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxy {
    announcement: Announcement,
    listener: Listener,
    forwarder: Arc<Forwarder>,
    places: Arc<Semaphore>,
    most: u32,
    closing: watch::Sender<bool>,
    signals: Signals,
}

impl Proxy {
    /// Listens, once it is known that the account can have a token at all.
    ///
    /// # Errors
    /// No such account, nobody is logged in, the address cannot be listened on. An endpoint or a keychain that does
    /// not answer now is no error: it may pass.
    pub async fn bind(options: Options, client: Client) -> Result<Self, Problem> {
        logging::start();
        process::protect();
        let tokens = Tokens::of(client, options.account).await?;
        match tokens.current().await {
            Err(problem) if !may_pass(problem.kind) => return Err(problem),
            Ok(_) | Err(_) => {}
        }
        let listener = Listener::bind(&options.listen).await.map_err(|error| not_listening(&options.listen, &error))?;
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Problem::new(ProblemKind::Failed, format!("{what}: {error}."), "Try again; see evertoken doctor.")
        };
        let (gate, announcement) = match (&listener, options.listen) {
            (Listener::Tcp(listener), _) => {
                let address = listener.local_addr().map_err(|error| failed("The proxy has no address", &error))?;
                let token = RunToken::random().map_err(|error| failed("The system gives no random bytes", &error))?;
                let announcement = Announcement::tcp(address, &token);
                (Gate::Tcp { address: address.ip(), token }, announcement)
            }
            (Listener::Unix(_), Listen::Unix(path)) => {
                let socket = std::path::absolute(&path).unwrap_or(path);
                (Gate::Unix, Announcement::Unix { socket })
            }
            (Listener::Unix(_), Listen::Tcp(_)) => return Err(failed("The proxy has no address", &"none")),
        };
        let upstream = Upstream::new(&options.allowed)
            .map_err(|error| failed("The system's certificates cannot be read", &error))?;
        let most = process::most_connections();
        Ok(Self {
            announcement,
            listener,
            forwarder: Arc::new(Forwarder { gate, allowed: options.allowed, tokens, upstream }),
            places: Arc::new(Semaphore::new(most)),
            most: u32::try_from(most).unwrap_or(u32::MAX),
            closing: watch::Sender::new(false),
            signals: Signals::to_end().map_err(|error| failed("The system refuses to tell of signals", &error))?,
        })
    }

    /// What clients have to know.
    #[must_use]
    pub const fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Serves until a signal asks for the end, then finishes what is under way, within 10 s or until the next signal.
    pub async fn run(self) {
        let Self { listener, forwarder, places, most, closing, mut signals, .. } = self;
        tokio::select! {
            () = accept_all(&listener, &forwarder, &places, &closing) => {}
            _ = signals.next() => {}
        }
        drop(listener);
        closing.send_replace(true);
        tokio::select! {
            _ = places.acquire_many(most) => {}
            () = tokio::time::sleep(LAST_REQUESTS) => tracing::warn!("requests that have not ended are broken off"),
            _ = signals.next() => {}
        }
    }

    /// Serves while a command runs that finds the announcement in its environment; the command's exit code.
    ///
    /// # Errors
    /// The operating system's, when the command cannot be started.
    pub async fn run_for(self, mut command: Command) -> io::Result<u8> {
        let mut signals = Signals::to_pass_on()?;
        command.envs(self.announcement.variables());
        tokio::select! {
            code = child::run(command, &mut signals) => code,
            () = accept_all(&self.listener, &self.forwarder, &self.places, &self.closing) => Ok(1),
        }
    }
}

/// May it pass by itself or by what a person does meanwhile?
const fn may_pass(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::TryLater | ProblemKind::Keychain | ProblemKind::TooShortLived)
}

fn not_listening(listen: &Listen, error: &io::Error) -> Problem {
    let place = match listen {
        Listen::Tcp(address) => address.to_string(),
        Listen::Unix(path) => path.display().to_string(),
    };
    let why = match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    };
    let detail = format!("The proxy cannot listen on {place}: {why}.");
    Problem::new(ProblemKind::Failed, detail, "Choose another address with --listen, or leave it out for a free port.")
}

/// Serves whoever comes; more than there are places wait until others leave.
async fn accept_all(
    listener: &Listener,
    forwarder: &Arc<Forwarder>,
    places: &Arc<Semaphore>,
    closing: &watch::Sender<bool>,
) {
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                tokio::spawn(serve(stream, Arc::clone(forwarder), Arc::new(place), closing.subscribe()));
            }
            Err(error) => {
                tracing::warn!("a client could not be served: {error}");
                tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
            }
        }
    }
}

async fn serve(
    stream: Box<dyn Connection>,
    forwarder: Arc<Forwarder>,
    place: Arc<OwnedSemaphorePermit>,
    mut closing: watch::Receiver<bool>,
) {
    let mut stream = BufReader::with_capacity(FIRST_BYTES, stream);
    let first = tokio::select! {
        first = timeout(HEADER_TIMEOUT, version::is_http_2(&mut stream)) => first,
        _ = closing.changed() => return,
    };
    match first {
        Ok(Ok(false)) => {}
        Ok(Ok(true)) => {
            tracing::info!("a client that speaks HTTP/2 alone was refused");
            return drop(version::refuse(&mut stream).await);
        }
        Ok(Err(_)) | Err(_) => return,
    }
    let service = service_fn(move |request| {
        let (forwarder, place) = (Arc::clone(&forwarder), Arc::clone(&place));
        async move { Ok::<_, Infallible>(forwarder.answer(request, &place).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER);
    // A client that has said all (`nc -N`) still waits for its answer.
    http.half_close(true);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    pin!(connection);
    // How a connection ends is the client's own affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = closing.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
