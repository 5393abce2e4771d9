#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;

mod refusals;

const DOCUMENTED_200: &str = r#"{
    "access_token": "eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY",
    "token_type": "Bearer",
    "refresh_token": "eyJraWQiOiJmFGGghrwghhnEGFGrehrnjdf7653kFZ_uusa3WYE",
    "scope": "accounts:create accounts:read ... withdraw_other_account:show",
    "expires_in": 86400,
    "user_id": "usr:b06d9aaa-4310-4c0d-9e5343c1b35"
}"#;

fn now() -> Timestamp {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn answer_of(http_status: u16, body: &[u8]) -> Result<Grant, Failure> {
    read(Answer { http_status, retry_after: None, body, broken: None, secrets: &[] }, HOUR, now())
}

fn answer(http_status: u16, body: &str) -> Result<Grant, Failure> {
    answer_of(http_status, body.as_bytes())
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
fn a_200_that_cannot_be_read_leaves_the_outcome_unknown() {
    for body in [
        "",
        "[]",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"a"#,
        r#"{"access_token":"a","refresh_token":"r"#,
        r#"{"access_token":"a","expires_in":3600"#,
        r#"{"access_token":7}"#,
        r#"["a","r"]"#,
        r#"[{"access_token":"a","refresh_token":"r"}]"#,
        "token=a",
    ] {
        for status in [200, 201, 202, 203] {
            let unreadable = Failure::OutcomeUnknown(OutcomeUnknown::Unreadable);
            assert_eq!(answer(status, body).unwrap_err(), unreadable, "{body}");
        }
    }
    for page in ["<html>", "\n <!DOCTYPE html>", "\u{feff}<!-- x --><HTML lang='en'>"] {
        assert_eq!(answer(200, page).unwrap_err(), Failure::OutcomeUnknown(OutcomeUnknown::WebPage), "{page}");
    }
}

#[test]
fn a_new_refresh_token_is_kept_whatever_is_wrong_with_the_access_token() {
    for access_token in [
        "",
        r#""access_token":null,"#,
        r#""access_token":"","#,
        r#""access_token":7,"#,
        r#""access_token":["a"],"#,
        r#""access_token":{"a":1},"#,
        r#""access_token":"a b","#,
        r#""access_token":"a\tb","#,
        r#""access_token":"a\r\nX-Evil: 1","#,
        r#""access_token":"\u0000","#,
        r#""access_token":"\ud800","#,
        r#""access_token":"ä","#,
    ] {
        for status in [200, 201, 203, 299] {
            let body = format!(r#"{{{access_token}"refresh_token":"r","expires_in":3600}}"#);
            let grant = answer(status, &body).unwrap();
            assert_eq!(grant.refresh_token.unwrap().expose(), "r", "{body}");
            assert_eq!((grant.access_token.expose(), grant.lifetime), ("", SignedDuration::ZERO), "{body}");
        }
    }
}

#[test]
fn a_new_refresh_token_is_kept_whatever_its_wrapping() {
    let json = r#"{"access_token":"a","refresh_token":"r","expires_in":60}"#;
    let form = "access_token=a&token_type=bearer&refresh_token=r&expires_in=60";
    for body in [
        json.to_owned(),
        format!("\u{feff}{json}"),
        format!(" \r\n\u{feff}\t{json}"),
        format!("{json}\0"),
        format!("{json}}}"),
        format!("{json}<html>"),
        format!("{json}{json}"),
        form.to_owned(),
        format!("{form}\r\n"),
        format!("{form}&scope=a b"),
        "refresh_token=r&access_token=a&expires_in=60".to_owned(),
        "expires_in=60&access_token=a&refresh_token=%72".to_owned(),
        r#"{"access_token":"a","expires_in":60,"refresh_token":"r","errors":NaN}"#.to_owned(),
        r#"{"access_token":"a","expires_in":60,"refresh_token":"r",}"#.to_owned(),
        r#"{"access_token":"a","expires_in":60,"refresh_token":"r""#.to_owned(),
        r#"{"error":"","access_token":"a","expires_in":60,"refresh_token":"r"}"#.to_owned(),
        r#"{"error":"invalid_grant","access_token":"a","expires_in":60,"refresh_token":"r"}"#.to_owned(),
    ] {
        for status in [200, 201, 203] {
            let grant = answer(status, &body).unwrap();
            assert_eq!(grant.refresh_token.unwrap().expose(), "r", "{status} {body}");
            assert_eq!((grant.access_token.expose(), grant.lifetime.as_secs()), ("a", 60), "{status} {body}");
        }
    }
}

#[test]
fn a_new_refresh_token_is_kept_when_the_connection_breaks_behind_it_and_never_half_of_one() {
    let json = r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#;
    let broken = |http_status, body: &str| {
        let (body, broken) = (body.as_bytes(), Some(OutcomeUnknown::Interrupted));
        read(Answer { http_status, retry_after: None, body, broken, secrets: &[] }, HOUR, now())
    };
    let end_of_token = json.find(r#""r""#).unwrap() + 3;
    for cut in 0..=json.len() {
        match broken(200, &json[..cut]) {
            Ok(grant) => {
                assert!(cut >= end_of_token && grant.lifetime <= HOUR, "{}", &json[..cut]);
                assert_eq!(grant.refresh_token.unwrap().expose(), "r");
            }
            Err(failure) => {
                assert!(cut < end_of_token, "{}", &json[..cut]);
                assert_eq!(failure, Failure::OutcomeUnknown(OutcomeUnknown::Interrupted));
            }
        }
    }
    for (status, body) in [(200, "access_token=a&refresh_token=r"), (400, r#"{"error":"invalid_grant"}"#), (200, "")] {
        let failure = broken(status, body).unwrap_err();
        assert_eq!(failure, Failure::OutcomeUnknown(OutcomeUnknown::Interrupted), "{status} {body}");
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
    let grant = answer_of(200, body).unwrap();
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
fn the_longest_answer_has_room_for_the_two_longest_tokens_and_more_beside_them() {
    let longest = "a".repeat(LONGEST_CREDENTIAL);
    let body = serde_json::json!({"access_token": longest, "refresh_token": longest, "scope": "b ".repeat(20_000)});
    let body = body.to_string();
    assert!(body.len() <= LONGEST_ANSWER, "{}", body.len());
    assert_eq!(answer(200, &body).unwrap().refresh_token.unwrap().expose(), longest);
}

#[test]
fn a_server_that_does_not_rotate_leaves_the_refresh_token_alone() {
    for body in [r#"{"access_token":"a"}"#, r#"{"access_token":"a","refresh_token":""}"#] {
        assert!(answer(200, body).unwrap().refresh_token.is_none());
    }
}

/// A JWT that expires so many seconds from now.
fn jwt(seconds: i64) -> String {
    jwt_of(&format!(r#"{{"exp":{}}}"#, now().as_second() + seconds))
}

/// A JWT that was issued and expires so many seconds from now.
fn jwt_issued(issued: i64, expires: i64) -> String {
    let now = now().as_second();
    jwt_of(&format!(r#"{{"iat":{},"exp":{}}}"#, now + issued, now + expires))
}

fn jwt_of(payload: &str) -> String {
    use base64::Engine;
    format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload))
}

#[test]
fn lifetimes_are_never_longer_than_the_server_said() {
    for (said, seconds) in
        [("86399", 86399), ("\"3600\"", 3600), ("\" 60.5 \"", 60), ("8.9", 8), ("1e3", 1000), ("31622400", 31_622_400)]
    {
        for token in ["a", &jwt(-1), &jwt(1)] {
            assert_eq!(lifetime(said, token), seconds, "{said}");
        }
    }
    for expired in ["0", "\"0\"", "-5", "\"-5\"", "0.5", "\"0.5\"", "-0.0", "-1e17"] {
        for token in ["a", &jwt(1234), &jwt(-1)] {
            assert_eq!(lifetime(expired, token), 0, "{expired}");
        }
    }
    // The server's own clock counts, however wrong the local one is.
    for (said, issued, expires, seconds) in [
        ("null", 1800, 1810, 10),
        ("3600", 0, 10, 10),
        ("3600", -7200, 0, 3600),
        ("3600", 10, 0, 3600),
        ("3600", 0, 0, 3600),
        ("null", 10, 0, 0),
    ] {
        assert_eq!(lifetime(said, &jwt_issued(issued, expires)), seconds, "{said} {issued} {expires}");
    }
    for unsaid in ["1000000000000000000", "31622401", "null", "\"soon\"", "\"\"", "1e400", "true", "[60]", "{}"] {
        assert_eq!(lifetime(unsaid, "a"), 3600, "{unsaid}");
        assert_eq!(lifetime(unsaid, &jwt(1234)), 1234, "{unsaid}");
        assert_eq!(lifetime(unsaid, &jwt(0)), 0, "{unsaid}");
        assert_eq!(lifetime(unsaid, &jwt(-9999)), 0, "{unsaid}");
    }
    assert_eq!(answer(200, r#"{"access_token":"a"}"#).unwrap().lifetime, HOUR);
}

#[test]
fn a_day_is_what_only_vault_means_by_saying_nothing() {
    let hours = |endpoint: &str| usual_lifetime(&endpoint.parse().unwrap()).as_hours();
    for vault in [
        "https://api.vault.ist/v2.0/reference/gettoken",
        "https://api.vault.ist/oauth/token",
        "http://127.0.0.1:8787/v2.0/reference/gettoken",
    ] {
        assert_eq!(hours(vault), 24, "{vault}");
    }
    for other in ["https://api.vault.ist.evil.example/", "https://vault.ist/x", "http://127.0.0.1:8788/x"] {
        assert_eq!(hours(other), 1, "{other}");
    }
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
    for response in
        ["access_token=a&refresh_token=r%3D1&user_id=u", "\u{feff}{\"refresh_token\":\"r=1\",\"user_id\":\"u\"}\n"]
    {
        assert_eq!(read_credential(response).unwrap().expose(), "r=1");
        assert_eq!(user_id_in(response).as_deref(), Some("u"));
    }
    for (bad, why) in [
        ("", UnusableCredential::Empty),
        (" \n", UnusableCredential::Empty),
        ("a b", UnusableCredential::NotAToken),
        ("a\nb", UnusableCredential::NotAToken),
        ("[\"a\", \"b\"]", UnusableCredential::NotAToken),
        ("päss", UnusableCredential::NotAToken),
        ("{", UnusableCredential::NotJson),
        ("{\"access_token\":\"a\"}", UnusableCredential::NoRefreshToken),
        (&"a".repeat(LONGEST_CREDENTIAL + 1), UnusableCredential::TooLong),
    ] {
        assert_eq!(read_credential(bad).unwrap_err(), why);
    }
    assert!(read_credential(&"a".repeat(LONGEST_CREDENTIAL)).is_ok());
}

proptest! {
    #[test]
    fn no_answer_makes_the_reader_panic(status in 100_u16..700, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = answer_of(status, &body);
    }

    #[test]
    fn whatever_else_is_in_an_answer_its_refresh_token_is_kept(
        fields in prop::collection::btree_map("[a-z_]{0,12}", "\\PC{0,20}", 0..6),
        access_token in prop::option::of(any::<String>()),
        status in 200_u16..300,
        after in any::<String>(),
    ) {
        prop_assume!(status != 204 && status != 205);
        let mut body = serde_json::json!(fields);
        body["refresh_token"] = "r".into();
        body["access_token"] = access_token.into();
        let grant = answer(status, &format!("{body}{after}")).unwrap();
        let refresh_token = grant.refresh_token.unwrap();
        prop_assert_eq!(refresh_token.expose(), "r");
        prop_assert!(grant.lifetime.is_zero() || !grant.access_token.expose().is_empty());
        prop_assert!(grant.access_token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn no_field_makes_the_reader_panic(
        expires_in in "\\PC{0,12}",
        token in "\\PC{0,40}",
        retry_after in "\\PC{0,40}",
    ) {
        let body = serde_json::json!({"access_token": token, "expires_in": expires_in}).to_string();
        let _ = answer(200, &body);
        let later = Answer { http_status: 429, retry_after: Some(&retry_after), body: b"", broken: None, secrets: &[] };
        let _ = read(later, HOUR, now());
        let _ = read_credential(&token);
    }
}

#[test]
fn the_end_of_a_refresh_token_is_read_from_the_answer_or_from_the_token() {
    let jwt =
        |exp: i64| format!("e30.{}.s", URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{}}}", now().as_second() + exp)));
    for (more, token, seconds) in [
        (r#","refresh_expires_in":1800"#, "r".to_owned(), Some(1800)),
        (r#","refresh_token_expires_in":"604800.5""#, "r".to_owned(), Some(604_800)),
        (r#","refresh_expires_in":1800"#, jwt(60), Some(1800)),
        (r#","refresh_expires_in":"soon""#, jwt(60), Some(60)),
        ("", jwt(60), Some(60)),
        (r#","refresh_expires_in":0"#, jwt(60), None),
        ("", jwt(-60), None),
        (r#","refresh_expires_in":316224000"#, "r".to_owned(), Some(316_224_000)),
        (r#","refresh_expires_in":316224001"#, "r".to_owned(), None),
        (r#","refresh_expires_in":1e15"#, "r".to_owned(), None),
        ("", "r".to_owned(), None),
    ] {
        let grant = answer(200, &format!(r#"{{"access_token":"a","refresh_token":"{token}"{more}}}"#)).unwrap();
        assert_eq!(grant.refresh_lifetime.map(|lifetime| lifetime.as_secs()), seconds, "{more} {token}");
    }
}

#[test]
fn a_user_is_known_by_the_id_token_too_and_never_by_half_a_name() {
    let id_token = |claims: &str| format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims));
    let long = "x".repeat(256);
    for (members, user) in [
        (format!(r#""id_token":"{}""#, id_token(r#"{"sub":"alice"}"#)), Some("alice")),
        (format!(r#""id_token":"{}","user_id":"usr:1""#, id_token(r#"{"sub":"alice"}"#)), Some("usr:1")),
        (format!(r#""user_id":"{long}""#), None),
        (format!(r#""id_token":"{}""#, id_token(&format!(r#"{{"sub":"{long}"}}"#))), None),
        (format!(r#""user_id":"{}""#, &long[1..]), Some(&long[1..])),
        (r#""id_token":"opaque""#.to_owned(), None),
    ] {
        let body = format!(r#"{{"refresh_token":"r",{members}}}"#);
        assert_eq!(answer(200, &body).unwrap().user_id.as_deref(), user, "{members}");
        assert_eq!(user_id_in(&body).as_deref(), user, "{members}");
    }
}

#[test]
fn a_trace_id_repeats_nothing_that_was_sent() {
    let body = br#"{"status":"UNAUTHORIZED","message":"The Token has expired","traceId":"r-0123456789abcdef"}"#;
    let trace_id = |secrets: &[&str]| {
        let answer = Answer { http_status: 401, retry_after: None, body, broken: None, secrets };
        let Err(Failure::AuthorizationRequired(refusal)) = read(answer, HOUR, now()) else { panic!("no refusal") };
        refusal.trace_id
    };
    assert_eq!(trace_id(&["another"]).as_deref(), Some("r-0123456789abcdef"));
    assert_eq!(trace_id(&["r-0123456789abcdef"]), None);
}
