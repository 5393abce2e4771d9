#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use proptest::prelude::*;

use super::*;
use crate::oauth::failure::Refusal;

const DOCUMENTED_200: &str = r#"{
    "access_token": "eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY",
    "token_type": "Bearer",
    "refresh_token": "eyJraWQiOiJmFGGghrwghhnEGFGrehrnjdf7653kFZ_uusa3WYE",
    "scope": "accounts:create accounts:read ... withdraw_other_account:show",
    "expires_in": 86400,
    "user_id": "usr:b06d9aaa-4310-4c0d-9e5343c1b35"
}"#;
const DOCUMENTED_401: &str = r#"{
    "status": "UNAUTHORIZED",
    "message": "The Token has expired on 2025-01-01T00:00:00.000Z",
    "traceId": "TraceId unavailable",
    "errors": []
}"#;

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn answer(http_status: u16, body: &str) -> Result<Grant, Failure> {
    read(Answer { http_status, retry_after: None, body: body.as_bytes() }, now())
}

fn lifetime(expires_in: &str, access_token: &str) -> i64 {
    let body = format!(r#"{{"access_token":"{access_token}","expires_in":{expires_in}}}"#);
    answer(200, &body).unwrap().lifetime.as_secs()
}

#[test]
fn the_documented_grant_is_read_whole() {
    let grant = answer(200, DOCUMENTED_200).unwrap();
    assert_eq!(grant.access_token.expose(), "eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY");
    assert_eq!(grant.refresh_token.unwrap().expose(), "eyJraWQiOiJmFGGghrwghhnEGFGrehrnjdf7653kFZ_uusa3WYE");
    assert_eq!(grant.lifetime.as_secs(), 86400);
    assert_eq!(grant.scope.len(), 4);
    assert_eq!(grant.user_id.unwrap(), "usr:b06d9aaa-4310-4c0d-9e5343c1b35");
}

#[test]
fn the_documented_refusal_asks_for_a_login_and_says_since_when() {
    let Err(Failure::AuthorizationRequired(refusal)) = answer(401, DOCUMENTED_401) else { panic!() };
    assert_eq!(refusal, Refusal { expired_at: Some("2025-01-01T00:00:00Z".parse().unwrap()), trace_id: None });
}

#[test]
fn the_standard_refusal_asks_for_a_login() {
    for status in [400, 401] {
        assert!(matches!(answer(status, r#"{"error":"invalid_grant"}"#), Err(Failure::AuthorizationRequired(_))));
    }
}

#[test]
fn a_wrong_client_secret_is_named_and_does_not_ask_for_a_login() {
    for (name, error) in [
        ("invalid_client", ErrorCode::InvalidClient),
        ("unauthorized_client", ErrorCode::UnauthorizedClient),
        ("invalid_request", ErrorCode::InvalidRequest),
        ("unsupported_grant_type", ErrorCode::UnsupportedGrantType),
        ("invalid_scope", ErrorCode::InvalidScope),
        ("invalid_target", ErrorCode::InvalidTarget),
    ] {
        for http_status in [400, 401] {
            let failure = answer(http_status, &format!(r#"{{"error":"{name}","error_description":"x"}}"#)).unwrap_err();
            assert_eq!(failure, Failure::Odd { http_status, error: Some(error) });
            assert!(failure.in_words().contains(name), "{failure:?}");
        }
    }
}

#[test]
fn nothing_else_asks_for_a_login() {
    let page = "<html>Sign in to the airport's network</html>";
    for (status, body) in [
        (401, page),
        (401, ""),
        (401, "[]"),
        (401, r#"{"status":"NOT_FOUND"}"#),
        (403, r#"{"error":"invalid_client"}"#),
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
        assert_eq!(
            answer(status, body).unwrap_err(),
            Failure::Odd { http_status: status, error: None },
            "{status} {body}"
        );
    }
    for status in [500, 502, 503, 504] {
        let failure = answer(status, DOCUMENTED_401).unwrap_err();
        assert_eq!(failure, Failure::OutcomeUnknown(OutcomeUnknown::ServerError { http_status: status }));
    }
}

#[test]
fn a_200_that_cannot_be_read_leaves_the_outcome_unknown() {
    for body in ["", "<html>", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":"a"#, r#"{"access_token":7}"#] {
        assert_eq!(answer(200, body).unwrap_err(), Failure::OutcomeUnknown(OutcomeUnknown::Unreadable), "{body}");
    }
}

#[test]
fn a_usable_refresh_token_survives_every_other_bad_field() {
    for rest in [
        r#""expires_in":{}"#,
        r#""expires_in":-1,"scope":7"#,
        r#""scope":null,"user_id":[],"token_type":"mac""#,
        r#""expires_in":1e300"#,
        r#""expires_in":1e999"#,
        r#""scope":"\ud800""#,
        &format!(r#""errors":{}{}"#, "[".repeat(10_000), "]".repeat(10_000)),
        r#""refresh_token":"r","refresh_token":"r""#,
    ] {
        let body = format!(r#"{{"access_token":"a","refresh_token":"r",{rest}}}"#);
        assert_eq!(answer(200, &body).unwrap().refresh_token.unwrap().expose(), "r", "{body}");
    }
}

#[test]
fn a_usable_refresh_token_survives_bytes_that_are_no_text() {
    let body = b"\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\",\"scope\":\"\xff\"}";
    let grant = read(Answer { http_status: 200, retry_after: None, body }, now()).unwrap();
    assert_eq!(grant.refresh_token.unwrap().expose(), "r");
}

#[test]
fn a_new_refresh_token_is_kept_whatever_characters_it_has() {
    for odd in ["a b", "päss", "\u{1f511}"] {
        let body = serde_json::json!({"access_token": "a", "refresh_token": odd}).to_string();
        assert_eq!(answer(200, &body).unwrap().refresh_token.unwrap().expose(), odd);
    }
}

#[test]
fn a_server_that_does_not_rotate_leaves_the_refresh_token_alone() {
    for body in [r#"{"access_token":"a"}"#, r#"{"access_token":"a","refresh_token":""}"#] {
        assert!(answer(200, body).unwrap().refresh_token.is_none());
    }
}

#[test]
fn lifetimes_are_never_longer_than_the_server_said() {
    assert_eq!(lifetime("86399", "a"), 86399);
    assert_eq!(lifetime("\"3600\"", "a"), 3600);
    assert_eq!(lifetime("8.9", "a"), 8);
    for absurd in ["0", "-5", "1000000000000000000", "null", "\"soon\"", "1e400"] {
        assert_eq!(lifetime(absurd, "a"), 86400, "{absurd}");
    }
    use base64::Engine;
    let payload = format!(r#"{{"exp":{}}}"#, now().as_second() + 1234);
    let jwt = format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload));
    assert_eq!(lifetime("0", &jwt), 1234);
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    let read = |text| super::retry_after::read(text, now()).map(|d| d.as_secs());
    assert_eq!(read("120"), Some(120));
    assert_eq!(read("Mon, 23 Nov 2026 08:01:00 GMT"), Some(60));
    assert_eq!(read("Mon, 23 Nov 2020 08:01:00 GMT"), None.or(read("0")));
    assert_eq!(read("99999999999999999999"), Some(i64::MAX));
    assert_eq!(read("soon"), None);
}

#[test]
fn a_person_may_paste_a_token_or_a_response() {
    assert_eq!(read_credential(" abc-123_=\n").unwrap().expose(), "abc-123_=");
    assert!(read_credential(DOCUMENTED_200).unwrap().expose().starts_with("eyJraWQiOiJmFGG"));
    for (bad, why) in [
        ("", UnusableCredential::Empty),
        (" \n", UnusableCredential::Empty),
        ("a b", UnusableCredential::NotAToken),
        ("a\nb", UnusableCredential::NotAToken),
        ("päss", UnusableCredential::NotAToken),
        ("{", UnusableCredential::NotJson),
        ("{\"access_token\":\"a\"}", UnusableCredential::NoRefreshToken),
        (&"a".repeat(70_000), UnusableCredential::TooLong),
    ] {
        assert_eq!(read_credential(bad).unwrap_err(), why);
    }
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(status in 100_u16..700, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(Answer { http_status: status, retry_after: None, body: &body }, now());
    }

    #[test]
    fn no_field_makes_the_reader_panic(
        expires_in in "\\PC{0,12}",
        token in "\\PC{0,40}",
        retry_after in "\\PC{0,40}",
    ) {
        let body = serde_json::json!({"access_token": token, "expires_in": expires_in}).to_string();
        let _ = read(Answer { http_status: 200, retry_after: None, body: body.as_bytes() }, now());
        let _ = read(Answer { http_status: 429, retry_after: Some(&retry_after), body: b"" }, now());
        let _ = read_credential(&token);
    }
}
