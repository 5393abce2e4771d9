//! From an HTTP answer to a value or a [`Problem`].

use evertoken_core::api::problem::{Problem, ProblemKind};
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::unavailable::another_version;

/// The media type of RFC 9457.
const PROBLEM_JSON: &str = "application/problem+json";

/// Reads one whole answer.
pub(crate) fn read<T: DeserializeOwned>(
    status: StatusCode,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<T, Problem> {
    if !status.is_success() {
        return Err(problem(content_type, body));
    }
    let json = if status == StatusCode::NO_CONTENT { b"null" } else { body };
    serde_json::from_slice(json).map_err(|_| another_version())
}

/// Reads an answer that is no success. The body is shown only when it is a problem of ours.
pub(crate) fn problem(content_type: Option<&str>, body: &[u8]) -> Problem {
    if !content_type.is_some_and(|given| given.starts_with(PROBLEM_JSON)) {
        return another_version();
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) if problem.kind == ProblemKind::NoSuchCall => another_version(),
        Ok(problem) => problem,
        Err(_) => of_unknown_kind(body),
    }
}

/// A problem whose kind this version does not know: its sentences still help.
fn of_unknown_kind(body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Sentences {
        detail: String,
        advice: String,
    }
    match serde_json::from_slice::<Sentences>(body) {
        Ok(Sentences { detail, advice }) => Problem::new(ProblemKind::Failed, detail, advice),
        Err(_) => another_version(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn refused(kind: &str) -> Vec<u8> {
        format!(r#"{{"type":"{kind}","status":503,"detail":"No connection.","advice":"Wait."}}"#).into_bytes()
    }

    #[test]
    fn a_problem_keeps_its_kind_so_that_scripts_get_the_right_exit_code() {
        let body = refused("urn:evertoken:try-later");
        let problem = read::<()>(StatusCode::SERVICE_UNAVAILABLE, Some(PROBLEM_JSON), &body).unwrap_err();
        assert_eq!(problem, Problem::new(ProblemKind::TryLater, "No connection.", "Wait."));
    }

    #[test]
    fn a_problem_of_a_newer_agent_still_says_what_happened() {
        let problem = problem(Some("application/problem+json; charset=utf-8"), &refused("urn:evertoken:new"));
        assert_eq!(problem, Problem::new(ProblemKind::Failed, "No connection.", "Wait."));
    }

    #[test]
    fn an_agent_of_another_version_is_named_as_such() {
        let no_such_call = refused("urn:evertoken:no-such-call");
        let answers: [(u16, Option<&str>, &[u8]); 5] = [
            (404, Some(PROBLEM_JSON), &no_such_call),
            (404, Some("text/plain"), b"not found"),
            (500, Some(PROBLEM_JSON), b"{}"),
            (200, Some("application/json"), b"{\"accounts\": 3}"),
            (200, None, b""),
        ];
        for (status, content_type, body) in answers {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = read::<evertoken_core::api::status::StatusReport>(status, content_type, body).unwrap_err();
            assert_eq!(problem, another_version(), "{status}");
        }
    }

    #[test]
    fn an_empty_success_is_a_success() {
        read::<()>(StatusCode::NO_CONTENT, None, b"").unwrap();
    }
}
