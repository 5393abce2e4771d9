//! A token read, the call that programs make all day long.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{Method, Request, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;

use super::arguments::{OfAccount, account_ref};
use super::refusal::{Refusal, bad_request};
use crate::request::{AccountRef, Call, OwnerHandle};
use crate::system::peer::Peer;

/// The usual token read, which says nothing but the account. The router knows the others.
pub(super) fn asked_for<B>(request: &Request<B>) -> Option<AccountRef> {
    let name = request.uri().path().strip_prefix("/v1/accounts/")?.strip_suffix("/token")?;
    if request.method() != Method::GET || request.uri().query().is_some() {
        return None;
    }
    account_ref(name).ok()
}

#[derive(Deserialize)]
pub(super) struct TokenQuery {
    min_valid: Option<u64>,
}

/// The others: with a number of seconds, or with a name that is written in another way.
pub(super) async fn token(
    State(owner): State<OwnerHandle>,
    OfAccount(account): OfAccount,
    Extension(peer): Extension<Peer>,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(TokenQuery { min_valid }) = query.map_err(|_| bad_request("min_valid is a number of seconds."))?;
    token_of(&owner, account, &peer, min_valid).await
}

pub(super) async fn token_of(
    owner: &OwnerHandle,
    account: AccountRef,
    peer: &Peer,
    min_valid: Option<u64>,
) -> Result<Response, Refusal> {
    let answer = owner.ask(|reply| Call::Token(account, peer.caller(), min_valid, reply)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use evertoken_core::account::DEFAULT_ACCOUNT_PLACEHOLDER;

    use super::*;

    #[test]
    fn only_what_says_nothing_but_the_account_is_answered_without_the_router() {
        let asked = |method: &str, uri: &str| asked_for(&Request::builder().method(method).uri(uri).body(()).unwrap());
        assert_eq!(asked("GET", "/v1/accounts/a.b/token"), Some(Some("a.b".parse().unwrap())));
        assert_eq!(asked("GET", "http://localhost/v1/accounts/a/token"), Some(Some("a".parse().unwrap())));
        let default = format!("/v1/accounts/{DEFAULT_ACCOUNT_PLACEHOLDER}/token");
        assert_eq!(asked("GET", &default), Some(None));
        for (method, uri) in [
            ("POST", "/v1/accounts/a/token"),
            ("HEAD", "/v1/accounts/a/token"),
            ("GET", "/v1/accounts/a/token?min_valid=60"),
            ("GET", "/v1/accounts/a/token?"),
            ("GET", "/v1/accounts/%61/token"),
            ("GET", "/v1/accounts/a/token/"),
            ("GET", "/v1/accounts/a/b/token"),
            ("GET", "/v1/accounts//token"),
            ("GET", "/v2/accounts/a/token"),
        ] {
            assert_eq!(asked(method, uri), None, "{method} {uri}");
        }
    }
}
