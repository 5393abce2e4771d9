//! What a request says: the account in its path, and its body.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use evertoken_core::account::{DEFAULT_ACCOUNT_PLACEHOLDER, InvalidAccountName};
use serde::de::DeserializeOwned;

use super::json;
use super::refusal::{Refusal, bad_request};
use crate::request::AccountRef;

/// A client on the same machine sends its body at once.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Which account a name in the path means.
pub(super) fn account_ref(name: &str) -> Result<AccountRef, InvalidAccountName> {
    if name == DEFAULT_ACCOUNT_PLACEHOLDER { Ok(None) } else { name.parse().map(Some) }
}

/// The account in the path.
pub(super) struct OfAccount(pub(super) AccountRef);

impl<S: Send + Sync> FromRequestParts<S> for OfAccount {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let name: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let Path(name) = name.map_err(|_| bad_request("The path is not one of the API's."))?;
        account_ref(&name).map(Self).map_err(|error| bad_request(error.to_string()))
    }
}

/// A JSON body, read within its limits; an empty one stands for `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes: Result<Bytes, BytesRejection> =
            tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state))
                .await
                .map_err(|_| bad_request("The request's body did not arrive in time."))?;
        let bytes = bytes.map_err(|error| bad_request(error.body_text()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        if !text.trim_ascii_start().starts_with(b"{") {
            return Err(bad_request("The request's body is not a JSON object."));
        }
        json::read(text).map(Self).map_err(|error| bad_request(error.to_string()))
    }
}
