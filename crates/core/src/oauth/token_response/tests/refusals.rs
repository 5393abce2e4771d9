//! What is a refusal, what only looks like one, and the words for both.

use super::*;
use crate::oauth::failure::Refusal;

const DOCUMENTED_401: &str = r#"{
    "status": "UNAUTHORIZED",
    "message": "The Token has expired on 2025-01-01T00:00:00.000Z",
    "traceId": "TraceId unavailable",
    "errors": []
}"#;

fn error(code: ErrorCode, description: Option<&str>) -> OAuthError {
    OAuthError { code, description: description.map(str::to_owned) }
}

#[test]
fn the_documented_refusal_asks_for_a_login_and_says_since_when() {
    let Err(Failure::AuthorizationRequired(refusal)) = answer(401, DOCUMENTED_401) else { panic!() };
    let expired_at = Some("2025-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(refusal, Refusal { expired_at, ..Refusal::default() });
}

#[test]
fn a_servers_own_error_ends_the_login_whatever_its_status_and_is_told_in_its_words() {
    for (name, code) in [
        ("invalid_grant", ErrorCode::InvalidGrant),
        ("bad_refresh_token", ErrorCode::BadRefreshToken),
        ("interaction_required", ErrorCode::InteractionRequired),
        ("login_required", ErrorCode::LoginRequired),
        ("consent_required", ErrorCode::ConsentRequired),
        ("account_selection_required", ErrorCode::AccountSelectionRequired),
        ("unauthorized_client", ErrorCode::UnauthorizedClient),
    ] {
        for status in [200, 400, 401, 403, 404, 422] {
            let json = format!(r#"{{"error":"{name}","error_description":"It was\u202e \u009brevoked."}}"#);
            let form = format!("error={name}&error_description=It+was+revoked.");
            for body in [json.as_str(), &form, &format!("\u{feff} {json}\n"), &format!("{json}x")] {
                let failure = answer(status, body).unwrap_err();
                let Failure::AuthorizationRequired(refusal) = &failure else { panic!("{status} {body}: {failure:?}") };
                assert_eq!(refusal.error, Some(error(code, Some("It was revoked"))), "{status} {body}");
                assert!(failure.in_words().ends_with(&format!("({name}: It was revoked)")), "{}", failure.in_words());
            }
        }
        for status in [302, 407, 429, 500, 503] {
            let failure = answer(status, &format!(r#"{{"error":"{name}"}}"#)).unwrap_err();
            assert!(!matches!(failure, Failure::AuthorizationRequired(_)), "{status}: {failure:?}");
        }
    }
}

#[test]
fn a_refresh_token_that_the_server_repeats_is_not_repeated() {
    let body = br#"{"error":"invalid_grant","error_description":"Invalid refresh token: rt-1234"}"#;
    let failure =
        read(Answer { http_status: 400, retry_after: None, body, broken: None, secrets: &["rt-1234"] }, HOUR, now());
    let failure = failure.unwrap_err();
    assert_eq!(failure.in_words(), "the endpoint refused the login (invalid_grant: Invalid refresh token: …)");
    assert!(!format!("{failure:?}").contains("rt-1234"));
}

#[test]
fn a_wrong_client_secret_is_named_and_does_not_ask_for_a_login() {
    for (name, code) in [
        ("invalid_client", ErrorCode::InvalidClient),
        ("invalid_request", ErrorCode::InvalidRequest),
        ("unsupported_grant_type", ErrorCode::UnsupportedGrantType),
        ("invalid_scope", ErrorCode::InvalidScope),
        ("invalid_target", ErrorCode::InvalidTarget),
    ] {
        for http_status in [200, 400, 401, 403] {
            let failure = answer(http_status, &format!(r#"{{"error":"{name}","error_description":"x"}}"#)).unwrap_err();
            let error = Some(error(code, Some("x")));
            assert_eq!(failure, Failure::UnexpectedAnswer { http_status, error, web_page: false });
            assert!(failure.in_words().ends_with(&format!("({name}: x)")), "{failure:?}");
        }
    }
}

#[test]
fn an_error_that_heals_by_itself_is_waited_for() {
    let failure = |name: &str| answer(400, &format!(r#"{{"error":"{name}"}}"#)).unwrap_err();
    assert_eq!(failure("temporarily_unavailable"), Failure::RetryLater { retry_after: None, http_status: 400 });
    let failed = OutcomeUnknown::ServerError { http_status: 400 };
    assert_eq!(failure("server_error"), Failure::OutcomeUnknown(failed));
}

#[test]
fn nothing_else_asks_for_a_login() {
    let page = "<html>Sign in to the airport's network</html>";
    for (status, body) in [
        (401, page),
        (401, ""),
        (401, "[]"),
        (401, r#"{"status":"NOT_FOUND"}"#),
        (401, r#"["invalid_grant"]"#),
        (401, r#"[{"error":"invalid_grant"}]"#),
        (401, r#"{"error":["invalid_grant"]}"#),
        (401, r#"{"errors":[{"error":"invalid_grant"}]}"#),
        (401, r#"{"error":"invalid_grant""#),
        (401, r#""error=invalid_grant""#),
        (401, "See http://a/?b=c&error=invalid_grant"),
        (400, "<script>let a={\"error\":\"invalid_grant\"}</script>"),
        (403, "<html><a href='/?a=1&error=invalid_grant'>"),
        (307, r#"{"error":"invalid_grant"}"#),
        (407, r#"{"error":"invalid_grant"}"#),
        (401, r#"{"error":"no_such_error"}"#),
        (400, r#"{"error":"COMMON","errorId":0,"message":"x","systemId":"core"}"#),
        (400, DOCUMENTED_401),
        (403, DOCUMENTED_401),
        (407, page),
        (404, page),
        (302, page),
        (204, ""),
        (418, "{}"),
    ] {
        let web_page = body.starts_with("<html");
        let odd = Failure::UnexpectedAnswer { http_status: status, error: None, web_page };
        assert_eq!(answer(status, body).unwrap_err(), odd, "{status} {body}");
    }
    for status in [500, 502, 503, 504] {
        let failure = answer(status, DOCUMENTED_401).unwrap_err();
        assert_eq!(failure, Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: status }));
    }
}

#[test]
fn a_server_that_says_when_to_come_back_has_not_looked_at_the_token() {
    let of = |http_status, retry_after| {
        read(Answer { http_status, retry_after, body: b"", broken: None, secrets: &[] }, HOUR, now()).unwrap_err()
    };
    for status in [429, 503] {
        let later = Failure::RetryLater { retry_after: Some(SignedDuration::from_secs(7)), http_status: status };
        assert_eq!(of(status, Some("7")), later);
    }
    assert_eq!(of(429, None), Failure::RetryLater { retry_after: None, http_status: 429 });
    for (status, retry_after) in [(502, Some("7")), (503, None)] {
        let unknown = Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: status });
        assert_eq!(of(status, retry_after), unknown);
    }
}

#[test]
fn what_stands_before_a_server_is_named_as_what_it_is() {
    for (status, body, words) in [
        (403, "<html>Blocked</html>", "a web page came instead of the endpoint's answer (HTTP 403)"),
        (302, "<!doctype html>", "a web page came instead of the endpoint's answer (HTTP 302)"),
        (200, "<html>Sign in</html>", "a web page came instead of the endpoint's answer:"),
        (407, "", "a proxy before the endpoint wants a user name and a password (HTTP 407)"),
        (407, "<html>", "a proxy before the endpoint wants a user name and a password (HTTP 407)"),
        (403, "", "something unexpected (HTTP 403)"),
        (403, "<?xml version='1.0'?><Error/>", "something unexpected (HTTP 403)"),
    ] {
        let said = answer(status, body).unwrap_err().in_words();
        assert!(said.contains(words), "{status} {body}: {said}");
    }
}
