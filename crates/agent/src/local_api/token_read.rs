//! A token read, the call that programs make all day long.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::arguments::OfAccount;
use super::refusal::{Refusal, bad_request};
use crate::request::{Call, OwnerHandle};
use crate::system::peer::Peer;

#[derive(Deserialize)]
pub(super) struct TokenQuery {
    min_valid: Option<u64>,
}

pub(super) async fn token(
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Extension(peer): Extension<Peer>,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(TokenQuery { min_valid }) = query.map_err(|_| bad_request("min_valid is a number of seconds."))?;
    let answer = owner.ask(|reply| Call::Token(account, peer.caller(), min_valid, reply)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}
