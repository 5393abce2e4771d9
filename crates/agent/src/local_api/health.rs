//! What those who look after services ask: is it ready, and how are the accounts?

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use evertoken_core::api::metrics::OPEN_METRICS;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::ReadyAnswer;

use super::refusal::Refusal;
use crate::request::{Call, OwnerHandle};

pub(super) async fn metrics(State(owner): State<OwnerHandle>) -> Result<Response, Refusal> {
    let text = owner.ask(Call::Metrics).await?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS), (header::CACHE_CONTROL, "no-store")], text).into_response())
}

/// Ready as a service manager is told: the keychain has been asked for every account, whatever it said.
pub(super) async fn ready(State(owner): State<OwnerHandle>) -> Result<Json<ReadyAnswer>, Refusal> {
    let report = owner.ask(Call::Status).await?;
    if !report.is_opened() {
        let detail = "The agent is starting: the keychain has not answered for every account yet.";
        return Err(Problem::new(ProblemKind::TryLater, detail, "Ask again in a moment.").into());
    }
    Ok(Json(ReadyAnswer { accounts: report.accounts.len() }))
}
