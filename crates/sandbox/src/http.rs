//! Answers as HTTP.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::de::DeserializeOwned;

use crate::answer::Answer;
use crate::token::Seed;

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy)]
pub(crate) struct CloseConnection;

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body().to_owned()));
        *response.status_mut() = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// No answer at all.
pub(crate) fn close() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(CloseConnection);
    response
}

/// The first `length` bytes of the body, under the `Content-Length` of the whole; then the connection breaks.
pub(crate) fn cut(answer: Answer, length: usize) -> Response {
    let whole = answer.body().len();
    let part = Bytes::copy_from_slice(&answer.body().as_bytes()[..length.min(whole)]);
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(whole));
    *response.body_mut() = Body::from_stream(stream::unfold(Some(part), |part| async {
        match part {
            Some(part) => Some((Ok(part), None)),
            None => {
                // Back to the connection once, so that it writes what it has before it learns of the end.
                tokio::task::yield_now().await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
        }
    }));
    response
}

/// A body of the sandbox's own calls, whatever its content type says: people type `curl -d`. Empty means default.
pub(crate) fn from_json<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Answer> {
    if body.trim_ascii().is_empty() { Ok(T::default()) } else { from_json_required(body) }
}

pub(crate) fn from_json_required<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| Answer::common(400, &error.to_string()))
}

pub(crate) fn seed() -> Result<Seed, Answer> {
    Seed::random().map_err(|_| Answer::common(500, "The operating system gave no random bytes"))
}
