//! A resource that wants a valid bearer token (RFC 6750).

use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde_json::json;

use crate::answer::Answer;
use crate::grant::SCOPE;
use crate::http::seed;
use crate::state::Shared;
use crate::token::AccessToken;
use crate::verdict::AccessRefusal;

pub(crate) async fn user_info(State(shared): State<Shared>, headers: HeaderMap) -> Result<Answer, Answer> {
    let trace_id = seed()?.hex("trace", 32);
    let presented = bearer(&headers).ok_or_else(|| Answer::no_credentials(&trace_id))?;
    let refused = |refusal: AccessRefusal| Answer::no_access(refusal, &trace_id);
    let access = shared.read(|model, now| model.families.access(presented.fingerprint(), now)).map_err(refused)?;
    let body = json!({"user_id": access.user_id, "scope": SCOPE, "expires_in": access.expires_in});
    Ok(Answer::json(200, &body))
}

/// The scheme's name is not case-sensitive (RFC 9110 section 11.1).
fn bearer(headers: &HeaderMap) -> Option<AccessToken> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| AccessToken::new(token.trim().into()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_token_is_one() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(read("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("bearer abc").as_deref(), Some("abc"));
        assert_eq!(read("Basic abc"), None);
        assert_eq!(read("abc"), None);
    }
}
