//! A problem as an answer.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evertoken_core::api::problem::{Problem, ProblemKind};

/// Of a problem (RFC 9457).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// A problem as an answer.
pub(super) struct Refusal(pub(super) Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], Json(self.0).into_response().into_body()).into_response()
    }
}

pub(super) fn bad_request(detail: impl Into<String>) -> Refusal {
    Refusal(Problem::new(ProblemKind::BadRequest, detail, "See the local API's documentation; nothing was changed."))
}
