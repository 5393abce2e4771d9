//! The port that the browser comes back to. Every program and every web page of this machine can reach it: what is no
//! answer to our request is refused and changes nothing, and the first that is counts. Its page comes when the login is
//! stored, or not to be had; the port stays a little longer, so that a reload meets the same page.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::authorization_code::{Authorization, CallbackError, CallbackRefusal};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::token::{AuthorizationCode, Fingerprint};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderName, ORIGIN};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use super::listeners::Listeners;
use super::page;
use super::pasted::Pasted;
use crate::login::listener::Ending;

/// At the same time. A browser opens one or two.
const MOST_CONNECTIONS: usize = 16;
/// A browser on the same machine asks at once.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the page waits for the login to be stored: longer than the lock, the endpoint and the keychain usually take.
const STORED_WITHIN: Duration = Duration::from_secs(120);
/// How long a reload is answered after the end.
pub(super) const RELOADS_WITHIN: Duration = Duration::from_secs(60);
/// In bytes: an address with a long code in it, and a browser's headers.
const LARGEST_HEADER: usize = 32 << 10;
/// What a page cannot leave out, and what a person's own browser says here (Fetch Metadata).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const NAVIGATION: [(HeaderName, &str); 2] =
    [(HeaderName::from_static("sec-fetch-mode"), "navigate"), (HeaderName::from_static("sec-fetch-dest"), "document")];

/// What is waited for.
pub(super) struct Callback {
    pub(super) authorization: Authorization,
    /// The request at the server.
    pub(super) location: SecretString,
    /// The path that leads there.
    pub(super) path: String,
    /// The path that the browser comes back to.
    pub(super) callback_path: String,
    /// The one host that requests may name: any other was resolved by somebody's name server (DNS rebinding).
    pub(super) host: String,
    pub(super) issuer: Option<Issuer>,
    /// How long a reload of the last page is answered: not at all on a port that the next sign-in needs.
    pub(super) reloads_within: Duration,
    /// The server says that its every answer names it (RFC 9207).
    pub(super) names_issuer: bool,
}

type Outcome = Result<AuthorizationCode, CallbackRefusal>;

struct Waiting {
    callback: Callback,
    answer: Mutex<Awaited>,
    ending: watch::Receiver<Ending>,
}

enum Awaited {
    Yet(oneshot::Sender<Outcome>),
    /// The answer that came: a page that is loaded again gives it again. It has the code in it, so it is not kept.
    Received(Fingerprint),
}

/// The port closes with the sign-in, unless an answer came.
struct Port(Option<AbortHandle>);

impl Drop for Port {
    fn drop(&mut self) {
        self.0.take().inspect(AbortHandle::abort);
    }
}

/// Waits for the one answer.
pub(super) async fn receive(
    listeners: Listeners,
    callback: Callback,
    pasted: &mut mpsc::UnboundedReceiver<Pasted>,
    ending: watch::Receiver<Ending>,
) -> Result<(Authorization, AuthorizationCode), CallbackRefusal> {
    let (answer, received) = oneshot::channel();
    let waiting = Arc::new(Waiting { callback, answer: Mutex::new(Awaited::Yet(answer)), ending });
    let serving = tokio::spawn(serve_until_seen(listeners, Arc::clone(&waiting)));
    let mut port = Port(Some(serving.abort_handle()));
    let outcome = tokio::select! {
        outcome = received => {
            port.0 = None;
            outcome.unwrap_or(Err(CallbackRefusal::NoCode))
        }
        outcome = first_pasted(&waiting.callback, pasted) => outcome,
    };
    let code = outcome?;
    // Whoever is still being answered holds it too.
    let Callback { authorization, .. } = &waiting.callback;
    Ok((authorization.clone(), code))
}

async fn serve_until_seen(listeners: Listeners, waiting: Arc<Waiting>) {
    tokio::select! {
        never = accept_all(&listeners.first, &waiting) => match never {},
        never = accept_from_other(&listeners, &waiting) => match never {},
        () = until_seen(waiting.ending.clone(), waiting.callback.reloads_within) => {}
    }
}

async fn until_seen(mut ending: watch::Receiver<Ending>, reloads_within: Duration) {
    if ending.wait_for(Option::is_some).await.is_ok() {
        tokio::time::sleep(reloads_within).await;
    }
}

/// Waits for the one answer that a person brings from a browser on another machine.
async fn first_pasted(callback: &Callback, pasted: &mut mpsc::UnboundedReceiver<Pasted>) -> Outcome {
    loop {
        // Without anybody who could bring it, the browser's own answer is waited for.
        let Some(Pasted { url, reply }) = pasted.recv().await else { std::future::pending().await };
        let Callback { authorization, issuer, names_issuer, .. } = callback;
        let read = authorization.read_pasted(url.expose_secret(), issuer.as_ref(), *names_issuer);
        let outcome = match read {
            Ok(code) => Ok(code),
            Err(CallbackError::Refused(refusal)) => Err(refusal),
            Err(CallbackError::Foreign) => {
                let _ = reply.send(Err(foreign(authorization.redirect_uri())));
                continue;
            }
        };
        let _ = reply.send(Ok(()));
        return outcome;
    }
}

fn foreign(redirect_uri: &str) -> Problem {
    Problem::new(
        ProblemKind::InvalidInput,
        "This address is not the answer to the sign-in that is waiting; it goes on.",
        format!("Copy the whole address that the browser shows in the end: it begins with {redirect_uri}?"),
    )
}

async fn accept_from_other(listeners: &Listeners, waiting: &Arc<Waiting>) -> Infallible {
    match &listeners.other {
        Some(listener) => accept_all(listener, waiting).await,
        None => std::future::pending().await,
    }
}

async fn accept_all(listener: &TcpListener, waiting: &Arc<Waiting>) -> Infallible {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, it would fail again at once.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let waiting = Arc::clone(waiting);
        tokio::spawn(async move {
            // A browser that breaks off is its own affair.
            let _ = tokio::time::timeout(CONNECTION_TIMEOUT + STORED_WITHIN, serve(stream, waiting)).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, waiting: Arc<Waiting>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let waiting = Arc::clone(&waiting);
        async move { Ok::<_, Infallible>(waiting.respond(&request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(CONNECTION_TIMEOUT);
    let _ = http.keep_alive(false).max_buf_size(LARGEST_HEADER).serve_connection(TokioIo::new(stream), service).await;
}

impl Waiting {
    async fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !self.is_navigation(request) {
            return page::refused(StatusCode::FORBIDDEN, "This request did not come from a person's browser.");
        }
        match request.uri().path() {
            path if path == self.callback.path => {
                let site = request.headers().get(SITE).map(|site| site.as_bytes());
                // Nobody but the person begins a sign-in.
                if site.is_none_or(|site| site == b"none" || site == b"same-origin") {
                    page::redirect(&self.callback.location)
                } else {
                    page::refused(StatusCode::FORBIDDEN, "A web page led here, and not the person.")
                }
            }
            path if path == self.callback.callback_path => {
                self.called_back(request.uri().query().unwrap_or_default()).await
            }
            _ => page::refused(StatusCode::NOT_FOUND, "There is nothing here."),
        }
    }

    fn is_navigation(&self, request: &Request<Incoming>) -> bool {
        let headers = request.headers();
        let mut hosts = headers.get_all(HOST).iter();
        let is_here = hosts.next().is_some_and(|host| host == self.callback.host.as_str()) && hosts.next().is_none();
        let navigates = NAVIGATION.iter().all(|(name, wanted)| headers.get(name).is_none_or(|said| said == *wanted));
        // Browsers send no Origin with a navigation that is a GET (Fetch standard).
        let authority = request.uri().authority().is_none_or(|authority| authority.as_str() == self.callback.host);
        request.method() == Method::GET && is_here && authority && navigates && !headers.contains_key(ORIGIN)
    }

    async fn called_back(&self, query: &str) -> Response<Full<Bytes>> {
        let Callback { authorization, issuer, names_issuer, .. } = &self.callback;
        let read = authorization.read_callback(query, issuer.as_ref(), *names_issuer);
        let outcome = match read {
            Ok(code) => Ok(code),
            Err(CallbackError::Refused(refusal)) => Err(refusal),
            Err(CallbackError::Foreign) => {
                tracing::warn!("a request to the sign-in's callback does not belong to it, and was refused");
                return page::refused(StatusCode::BAD_REQUEST, "This answer does not belong to the sign-in here.");
            }
        };
        let refused = outcome.as_ref().err().map(CallbackRefusal::in_words);
        if !self.is_the_answer(query, outcome) {
            return page::refused(StatusCode::GONE, "This sign-in has had its answer.");
        }
        match refused {
            Some(reason) => page::failed(&reason),
            None => self.page_at_the_end().await,
        }
    }

    /// Hands the first one on. Is it that one, or the same again?
    fn is_the_answer(&self, query: &str, outcome: Outcome) -> bool {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Awaited::Received(first) = &*answer {
            return *first == Fingerprint::of(query);
        }
        if let Awaited::Yet(awaited) = std::mem::replace(&mut *answer, Awaited::Received(Fingerprint::of(query))) {
            let _ = awaited.send(outcome);
        }
        true
    }

    async fn page_at_the_end(&self) -> Response<Full<Bytes>> {
        let mut ending = self.ending.clone();
        let Ok(ended) = tokio::time::timeout(STORED_WITHIN, ending.wait_for(Option::is_some)).await else {
            return page::continues();
        };
        match ended.ok().and_then(|ended| ended.clone()) {
            Some(Ok(())) => page::done(),
            Some(Err(problem)) => page::problem(&problem),
            None => page::failed("the sign-in was cancelled"),
        }
    }
}
