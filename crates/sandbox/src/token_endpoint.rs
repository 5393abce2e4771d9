//! The two token endpoints, and the one that revokes.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{Request, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use crate::answer::Answer;
use crate::fault::{Close, Hold};
use crate::http;
use crate::model::Decision;
use crate::period::Period;
use crate::request_error::RequestError;
use crate::request_log::Arrival;
use crate::state::Shared;
use crate::token_request::{Dialect, TokenRequest};

/// A token of the largest size (see `Settings`) with its surroundings, and room for a form's percent signs.
const LARGEST_BODY: usize = 64 * 1024;

/// Answers one token request. Once it has arrived it is carried through in a task of its own even if the client
/// goes away: that is what spends a refresh token whose successor nobody received.
pub(crate) async fn answer(shared: Shared, dialect: Dialect, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.ok();
    match tokio::spawn(exchange(shared, dialect, parts, body)).await {
        Ok(response) => response,
        Err(_) => Answer::common(500, "The sandbox failed; this is a bug in it").into_response(),
    }
}

async fn exchange(shared: Shared, dialect: Dialect, parts: Parts, body: Option<Bytes>) -> Response {
    let (encoding, client) = shared.read(|model, _| (model.settings.encoding, model.client.clone()));
    let request =
        TokenRequest::read(dialect, encoding, &parts.method, &parts.headers, body.as_deref(), client.is_none());
    let (id, fault) = shared.change(|model, now| model.arrive(arrival(&parts, &request, now)));
    let request = request.and_then(|request| request.authenticated(client.as_ref(), &parts.headers));

    wait(&shared, fault.delay_before_commit, fault.hold_before_commit.as_ref()).await;
    let decision = match http::seed() {
        Ok(seed) if fault.commits() => shared.change(|model, now| model.commit(dialect, &request, &seed, now)),
        Ok(_) => Decision::none(),
        Err(answer) => Decision { answer, ..Decision::none() },
    };
    wait(&shared, fault.delay, fault.hold.as_ref()).await;

    let decision = decision.under(&fault);
    shared.change(|model, _| model.end(id, &fault, &decision));
    match (fault.close, fault.cut_after) {
        (Some(Close::Before | Close::After), _) => http::close(),
        (None, Some(length)) => http::cut(decision.answer, length),
        (None, None) => decision.answer.into_response(),
    }
}

async fn wait(shared: &Shared, delay: Option<Period>, hold: Option<&Hold>) {
    if let Some(delay) = delay {
        tokio::time::sleep(delay.to_std()).await;
    }
    if let Some(hold) = hold {
        shared.pass(&hold.0).await;
    }
}

fn arrival(parts: &Parts, request: &Result<TokenRequest, RequestError>, at: Timestamp) -> Arrival {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Arrival {
        at,
        path: parts.uri.path().into(),
        content_type: content_type.map(Into::into),
        grant_type: request.as_ref().ok().and_then(TokenRequest::grant_type),
        fingerprint: request.as_ref().ok().and_then(|request| Some(request.presented()?.fingerprint())),
        headers: parts.headers.keys().map(|name| name.as_str().into()).collect(),
    }
}
