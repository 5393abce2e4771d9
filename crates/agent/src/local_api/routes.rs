//! The calls of the local API and their answers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post};
use axum::{Extension, Json, Router};
use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{
    AccessAnswer, AccountChange, Approval, CallbackRequest, CopyAnswer, LoginRequest, NewAccount, RefreshRequest,
    ReplaceRequest, SignInEvent, SignInRequest,
};
use evertoken_core::api::status::{AccountStatus, StatusChange, StatusReport};
use evertoken_core::config::{Settings, SettingsChange};
use evertoken_core::oauth::server::SignInMethod;
use futures_util::{Stream, StreamExt, stream};
use hyper::body::Incoming;
use jiff::Timestamp;
use serde::Deserialize;
use tower::ServiceExt;

use super::arguments::{Body, OfAccount};
use super::origin::refuse_web_pages;
use super::refusal::{Refusal, bad_request};
use super::{health, token_read};
use crate::http::client;
use crate::request::{Call, InUse, OwnerHandle};
use crate::store::token_file::TokenFileStore;
use crate::system::peer::Peer;

/// The version of the API that is served.
const VERSION: u32 = 1;
/// The largest body in bytes: a 64 KiB credential, escaped as JSON.
const LARGEST_BODY: usize = 256 << 10;
/// Who answers: the name and version of this program (RFC 9110 section 10.2.4).
pub(super) const SERVER: &str = concat!("evertoken/", env!("CARGO_PKG_VERSION"));

/// Every call of the API. A test holds this list against `docs/local-api.yaml`.
fn calls() -> Vec<(&'static str, &'static str, MethodRouter<OwnerHandle>)> {
    vec![
        ("get", "/v1/status", get(status)),
        ("get", "/v1/events", get(events)),
        ("get", "/v1/metrics", get(health::metrics)),
        ("get", "/v1/ready", get(health::ready)),
        ("get", "/v1/access", get(accesses)),
        ("get", "/v1/diagnosis", get(diagnosis)),
        ("post", "/v1/accounts", post(create)),
        ("patch", "/v1/accounts/{name}", patch(change)),
        ("delete", "/v1/accounts/{name}", delete(remove)),
        ("get", "/v1/accounts/{name}/token", get(token_read::token)),
        ("post", "/v1/accounts/{name}/login", post(log_in)),
        (
            "post",
            "/v1/accounts/{name}/login/browser",
            post(async |o, w, b| sign_in(SignInMethod::Browser, o, w, b).await),
        ),
        ("post", "/v1/accounts/{name}/login/browser/callback", post(callback)),
        (
            "post",
            "/v1/accounts/{name}/login/device",
            post(async |o, w, b| sign_in(SignInMethod::Device, o, w, b).await),
        ),
        (
            "post",
            "/v1/accounts/{name}/login/command",
            post(async |o, w, b| sign_in(SignInMethod::Command, o, w, b).await),
        ),
        ("post", "/v1/accounts/{name}/login/replace", post(replace_user)),
        ("post", "/v1/accounts/{name}/refresh", post(refresh)),
        ("post", "/v1/accounts/{name}/copy", post(copy)),
        ("post", "/v1/accounts/{name}/approval", post(approve)),
        ("post", "/v1/accounts/{name}/logout", post(log_out)),
        ("get", "/v1/accounts/{name}/history", get(history)),
        ("get", "/v1/accounts/{name}/settings", get(account_settings)),
        ("get", "/v1/settings", get(settings)),
        ("patch", "/v1/settings", patch(change_settings)),
    ]
}

/// The calls, and the owner of the state, who takes them.
pub(super) struct Api {
    router: Router,
    pub(super) owner: OwnerHandle,
}

fn router(owner: OwnerHandle, token_files: TokenFileStore) -> Router {
    calls()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| router.route(path, handler))
        .fallback(no_such_call)
        .method_not_allowed_fallback(no_such_call)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(Extension(token_files))
        .with_state(owner)
}

impl Api {
    pub(super) fn new(owner: OwnerHandle, token_files: TokenFileStore) -> Self {
        Self { router: router(owner.clone(), token_files), owner }
    }

    /// Answers one request. What holds for all of them is done here, and not in layers.
    pub(super) async fn answer(self: Arc<Self>, peer: Peer, request: hyper::Request<Incoming>) -> Response {
        let changes = request.method() != Method::GET;
        let mut response = if let Some(refusal) = refuse_web_pages(&request) {
            refusal.into_response()
        } else {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(peer);
            self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
        };
        // What has changed something is answered when the token files have followed.
        if changes && response.status().is_success() {
            self.owner.token_files_kept().await;
        }
        // A client sees by it which version answers, whatever the answer is.
        response.headers_mut().insert(header::SERVER, HeaderValue::from_static(SERVER));
        response
    }
}

type Answer<T> = Result<Json<T>, Refusal>;

async fn no_such_call(uri: Uri) -> Refusal {
    let (asked, advice) = match version(uri.path()) {
        Some(version) if version != VERSION => (
            format!("version {version} was asked for"),
            "If your program came with a newer Evertoken, restart the agent; otherwise use version 1.",
        ),
        Some(_) | None => (
            "it has no such call".to_owned(),
            "Compare path and method with docs/local-api.yaml; if your program is newer than the agent, restart the agent.",
        ),
    };
    let own = env!("CARGO_PKG_VERSION");
    let detail = format!("This agent (Evertoken {own}) serves version {VERSION} of the local API, and {asked}.");
    Refusal(Problem::new(ProblemKind::NoSuchCall, detail, advice))
}

/// The version of the API that a path asks for: its `/v2/`.
fn version(path: &str) -> Option<u32> {
    path.strip_prefix("/v")?.split('/').next()?.parse().ok()
}

async fn diagnosis(State(owner): State<OwnerHandle>) -> Answer<Diagnosis> {
    let InUse { keychain, locks } = owner.ask(Call::InUse).await?;
    let looked = crate::system::diagnosis::diagnosis(locks, client::has_certificates());
    let (mut diagnosis, file_problem) = tokio::join!(looked, keychain.file_problem());
    if !keychain.is_of_the_system() {
        diagnosis.keychain_problem = file_problem;
    }
    Ok(Json(diagnosis))
}

async fn status(State(owner): State<OwnerHandle>) -> Answer<StatusReport> {
    Ok(Json(owner.ask(Call::Status).await?))
}

#[derive(Deserialize)]
struct EventsQuery {
    #[serde(default)]
    changes: bool,
}

async fn events(
    State(owner): State<OwnerHandle>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let Query(EventsQuery { changes }) = query.map_err(|_| bad_request("changes is true or false."))?;
    let mut reports = owner.reports.clone();
    let known = Arc::clone(&reports.borrow_and_update());
    let now = owner.ask(Call::Status).await?;
    let later = stream::unfold((reports, known), move |(mut reports, known)| async move {
        reports.changed().await.ok()?;
        let report = Arc::clone(&reports.borrow_and_update());
        let event = if changes { change_event(report.change_since(&known)) } else { status_event((*report).clone()) };
        Some((event, (reports, report)))
    });
    Ok(Sse::new(stream::once(async move { status_event(now) }).chain(later).map(Ok)))
}

fn status_event(mut report: StatusReport) -> Event {
    report.count_down(Timestamp::now());
    Event::default().event("status").data(serde_json::to_string(&report).unwrap_or_default())
}

fn change_event(mut change: StatusChange) -> Event {
    change.count_down(Timestamp::now());
    Event::default().event("change").data(serde_json::to_string(&change).unwrap_or_default())
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($body:ident: $type:ty)?) => $call:ident;)*) => {$(
        $(#[$doc])*
        async fn $name(
            State(owner): State<OwnerHandle>,
            OfAccount(account): OfAccount,
            $(Body($body): Body<$type>,)?
        ) -> Result<Response, Refusal> {
            let answer = owner.ask(|reply| Call::$call(account, $($body,)? reply)).await?;
            Ok(Json(answer).into_response())
        }
    )*};
}

calls! {
    log_in(request: LoginRequest) => LogIn;
    replace_user(request: ReplaceRequest) => ReplaceUser;
    refresh(request: RefreshRequest) => Refresh;
    approve(approval: Approval) => Approve;
    log_out() => LogOut;
    history() => History;
    account_settings() => AccountSettings;
}

/// A token file that cannot be kept is refused before anything is changed.
async fn change(
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Extension(token_files): Extension<TokenFileStore>,
    Body(change): Body<AccountChange>,
) -> Answer<AccountStatus> {
    if let Some(Some(file)) = &change.token_file {
        token_files.check_in_time(file.path.as_path()).await?;
    }
    Ok(Json(owner.ask(|reply| Call::Change(account, change, reply)).await?))
}

/// A sign-in that fails before a person has anything to do is an answer like any other.
async fn sign_in(
    method: SignInMethod,
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Body(request): Body<SignInRequest>,
) -> Result<Response, Refusal> {
    let mut events = owner.sign_in(account, method, request);
    let first = match events.recv().await {
        Some(SignInEvent::Problem(problem)) => return Err(problem.into()),
        Some(first) => first,
        None => return Err(owner.no_answer().await.into()),
    };
    let later = stream::unfold(events, |mut events| async move { Some((events.recv().await?, events)) });
    let all = stream::once(async move { first }).chain(later);
    let all = all.then(move |event| {
        let owner = owner.clone();
        async move {
            if matches!(event, SignInEvent::Done(_)) {
                owner.token_files_kept().await;
            }
            Ok::<_, Infallible>(sign_in_event(&event))
        }
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Sse::new(all)).into_response())
}

fn sign_in_event(event: &SignInEvent) -> Event {
    let (name, data) = match event {
        SignInEvent::Prompt(prompt) => ("prompt", serde_json::to_string(prompt)),
        SignInEvent::Done(status) => ("done", serde_json::to_string(status)),
        SignInEvent::Problem(problem) => ("problem", serde_json::to_string(problem)),
    };
    Event::default().event(name).data(data.unwrap_or_default())
}

async fn copy(
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Extension(peer): Extension<Peer>,
    query: Result<Query<CopyQuery>, QueryRejection>,
) -> Answer<CopyAnswer> {
    let Query(CopyQuery { notify }) = query.map_err(|_| bad_request("notify is true or false."))?;
    Ok(Json(owner.ask(|reply| Call::Copy(account, peer.caller(), notify, reply)).await?))
}

#[derive(Deserialize)]
struct CopyQuery {
    #[serde(default)]
    notify: bool,
}

async fn accesses(State(owner): State<OwnerHandle>) -> Answer<AccessAnswer> {
    Ok(Json(owner.ask(Call::Accesses).await?))
}

async fn remove(State(owner): State<OwnerHandle>, OfAccount(account): OfAccount) -> Result<StatusCode, Refusal> {
    owner.ask(|reply| Call::Remove(account, reply)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn callback(
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Body(request): Body<CallbackRequest>,
) -> Result<StatusCode, Refusal> {
    owner.ask(|reply| Call::Callback(account, request, reply)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn create(State(owner): State<OwnerHandle>, Body(account): Body<NewAccount>) -> Result<Response, Refusal> {
    let status = owner.ask(|reply| Call::Create(account, reply)).await?;
    Ok((StatusCode::CREATED, Json(status)).into_response())
}

async fn settings(State(owner): State<OwnerHandle>) -> Answer<Settings> {
    Ok(Json(owner.ask(Call::Settings).await?))
}

async fn change_settings(State(owner): State<OwnerHandle>, Body(change): Body<SettingsChange>) -> Answer<Settings> {
    Ok(Json(owner.ask(|reply| Call::ChangeSettings(change, reply)).await?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_is_documented_and_every_documented_call_is_there() {
        const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
        let document: serde_json::Value =
            serde_saphyr::from_str(include_str!("../../../../docs/local-api.yaml")).unwrap();
        let paths = document["paths"].as_object().unwrap().iter();
        let documented: BTreeSet<(&str, &str)> = paths
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |key| (key.as_str(), path.as_str())))
            .filter(|(key, _)| METHODS.contains(key))
            .collect();
        let served: BTreeSet<(&str, &str)> = calls().into_iter().map(|(method, path, _)| (method, path)).collect();
        assert_eq!(served, documented);
    }

    #[test]
    fn the_version_that_is_asked_for_is_read_from_the_path() {
        assert_eq!(version("/v2/status"), Some(2));
        assert_eq!(version("/v1"), Some(1));
        for other in ["/", "/status", "/vault/status", "/v", "/v1.2/status", "/v-1/status"] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
