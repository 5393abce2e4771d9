use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evertoken_core::api::problem::Problem;
use evertoken_core::config::paths::Paths;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{answer, transport, unavailable};

pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// Reads are answered from the agent's memory: an agent that takes longer hangs.
const READ_WITHIN: Duration = Duration::from_secs(10);
/// The agent waits for the endpoint and the keychain, each with bounds of its own; this one is beyond their sum.
const OUTCOME_WITHIN: Duration = Duration::from_secs(300);
/// In bytes. The longest answer is a history, and the agent keeps journals far below this.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// The agent, ready to be called. Keeps one connection; calls at the same time open more.
///
/// When the agent restarts, the next call connects to the new one.
#[derive(Debug)]
pub struct Client {
    paths: Paths,
    idle: Mutex<Option<Sender>>,
}

impl Client {
    /// Connects to the agent that runs; starts none.
    ///
    /// # Errors
    /// [`AgentUnavailable`](evertoken_core::api::problem::ProblemKind::AgentUnavailable).
    pub async fn connect(paths: &Paths) -> Result<Self, Problem> {
        Self::try_connect(paths).await.map_err(|error| unavailable::unreachable(&paths.socket, &error))
    }

    /// Connects to the agent that runs; `None`: none does.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), when an agent may run and cannot be reached.
    pub async fn connect_if_running(paths: &Paths) -> Result<Option<Self>, Problem> {
        match Self::try_connect(paths).await {
            Ok(client) => Ok(Some(client)),
            Err(error) if unavailable::nobody_listens(&error) => Ok(None),
            Err(error) => Err(unavailable::unreachable(&paths.socket, &error)),
        }
    }

    pub(crate) async fn try_connect(paths: &Paths) -> io::Result<Self> {
        let sender = open(paths).await?;
        Ok(Self { paths: paths.clone(), idle: Mutex::new(Some(sender)) })
    }

    /// One call: `path` below `/v1/`.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Problem> {
        let bound = if method == Method::GET { READ_WITHIN } else { OUTCOME_WITHIN };
        let request = request(method, path, body)?;
        let exchange = async {
            let (response, sender) = self.send(request).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|_| unavailable::broke_off())?;
            self.keep(sender);
            let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            answer::read(head.status, content_type, &body.to_bytes())
                .map_err(|problem| unavailable::with_version(problem, &head.headers))
        };
        tokio::time::timeout(bound, exchange).await.unwrap_or_else(|_| Err(unavailable::no_answer(bound)))
    }

    /// Sends a request; the answer's body is still to be read, on the connection that is given with it.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Sender), Problem> {
        let mut unsent = request;
        if let Some(sender) = self.take_idle().await {
            match offer(sender, unsent).await {
                Ok(answered) => return Ok(answered),
                // The agent restarted since the last call.
                Err(again) => unsent = again.ok_or_else(unavailable::broke_off)?,
            }
        }
        match offer(self.open().await?, unsent).await {
            Ok(answered) => Ok(answered),
            // The agent made room for the next one at this moment.
            Err(again) => {
                let unsent = again.ok_or_else(unavailable::broke_off)?;
                offer(self.open().await?, unsent).await.map_err(|_| unavailable::broke_off())
            }
        }
    }

    async fn open(&self) -> Result<Sender, Problem> {
        open(&self.paths).await.map_err(|error| unavailable::unreachable(&self.paths.socket, &error))
    }

    async fn take_idle(&self) -> Option<Sender> {
        let mut sender = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        sender.ready().await.ok()?;
        Some(sender)
    }

    fn keep(&self, sender: Sender) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }
}

/// The request comes back when the agent ends first and cannot have acted on it.
async fn offer(
    mut sender: Sender,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, Sender), Option<Request<Full<Bytes>>>> {
    let again = (request.method() == Method::GET).then(|| request.clone());
    match sender.try_send_request(request).await {
        Ok(response) => Ok((response, sender)),
        Err(mut error) => Err(error.take_message().or(again)),
    }
}

async fn open(paths: &Paths) -> io::Result<Sender> {
    let stream = transport::connect(paths).await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // How the connection ends is told to the call that waits on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

pub(crate) fn request(
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<Request<Full<Bytes>>, Problem> {
    let builder = Request::builder().method(method).uri(format!("/v1/{path}")).header(HOST, "localhost");
    let request = match body {
        None => builder.body(Full::default()),
        Some(body) => {
            let json = serde_json::to_vec(body).map_err(|_| unavailable::another_version())?;
            builder.header(CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(json)))
        }
    };
    request.map_err(|_| unavailable::another_version())
}
