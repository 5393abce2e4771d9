//! What holds for every answer and every metadata document, whatever else is in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use evertoken_core::oauth::failure::Failure;
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::token::Fingerprint;
use evertoken_core::oauth::token_response::{Answer, Grant, read, read_credential, user_id_in};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn answer(http_status: u16, body: &str) -> Result<Grant, Failure> {
    read(Answer { http_status, retry_after: None, body: body.as_bytes(), broken: None, secrets: &[] }, HOUR, NOW)
}

/// Members that say nothing about tokens, some of them with names that mean something and values that do not.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let name = "scope|user_id|token_type|id_token|refresh_expires_in|x[a-z]{0,3}";
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(json!([1, {"refresh_token": "inner"}])),
    ];
    proptest::collection::btree_map(name, value, 0..5).prop_map(|map| map.into_iter().collect())
}

/// Answers in which the server itself speaks, and those in which it does not.
fn status() -> impl Strategy<Value = u16> {
    prop_oneof![200_u16..300, 400_u16..500, 300_u16..400, 500_u16..600]
}

const fn server_speaks(status: u16) -> bool {
    matches!(status, 200..=299 | 400..=499) && !matches!(status, 407 | 429)
}

proptest! {
    #[test]
    fn p1_a_refresh_token_in_a_success_is_kept_and_in_anything_else_is_none(
        mut body in members(), token in "[!-~]{1,40}", status in status(), access_token in proptest::option::of("[!-~]{1,9}"),
    ) {
        body.insert("refresh_token".to_owned(), token.clone().into());
        body.extend(access_token.map(|token| ("access_token".to_owned(), token.into())));
        let read = answer(status, &Value::from(body).to_string());
        let fingerprint = read.ok().and_then(|grant| grant.refresh_token).map(|token| token.fingerprint());
        prop_assert_eq!(fingerprint, (200..300).contains(&status).then(|| Fingerprint::of(&token)));
    }

    #[test]
    fn p3_only_the_servers_own_error_in_a_whole_answer_ends_a_login(
        mut body in members(), status in status(), ends in any::<bool>(), cut in any::<bool>(),
    ) {
        let error = if ends { "invalid_grant" } else { "invalid_request" };
        body.insert("error".to_owned(), error.into());
        let mut text = Value::from(body).to_string();
        if cut {
            text.pop();
        }
        let refused = matches!(answer(status, &text), Err(Failure::AuthorizationRequired(_)));
        prop_assert_eq!(refused, ends && !cut && server_speaks(status), "{} {}", status, text);
    }

    #[test]
    fn p4_no_token_lasts_longer_than_its_answer_says(seconds in 0_i64..31_000_000, form in 0_usize..3) {
        let expires_in = [json!(seconds), json!(seconds.to_string()), json!(seconds as f64 + 0.75)][form].clone();
        let grant = answer(200, &json!({"access_token": "a", "expires_in": expires_in}).to_string()).unwrap();
        prop_assert_eq!(grant.lifetime.as_secs(), seconds);
    }

    #[test]
    fn what_a_person_gives_is_the_token_itself_or_the_one_in_a_response(token in "[0-9A-Za-z._-]{1,60}", user in "[!-~]{1,20}") {
        let response = json!({"refresh_token": token, "user_id": user, "access_token": "a"}).to_string();
        for given in [token.clone(), format!("  {token}\r\n"), response.clone(), format!("\u{feff}{response}\n")] {
            prop_assert_eq!(read_credential(&given).unwrap().fingerprint(), Fingerprint::of(&token));
        }
        prop_assert_eq!(user_id_in(&response), Some(user));
        prop_assert_eq!(user_id_in(&token), None);
        let two = format!("{token} {token}");
        prop_assert!(read_credential(&two).is_err());
    }

    #[test]
    fn p9_metadata_is_the_issuers_own_and_names_no_endpoint_that_the_network_can_read(
        said in "https://i\\.example(/a?)?", asked in "https://i\\.example(/a?)?", scheme in "https?",
        host in "(i\\.example|localhost|127\\.0\\.0\\.1)", field in 0_usize..4,
    ) {
        let names = ["token_endpoint", "revocation_endpoint", "authorization_endpoint", "device_authorization_endpoint"];
        let mut document = json!({"issuer": said, "token_endpoint": "https://i.example/token"});
        let endpoint = format!("{scheme}://{host}/x");
        document[names[field]] = endpoint.clone().into();
        let read = Metadata::read(document.to_string().as_bytes(), &asked.parse().unwrap());
        let is_safe = scheme == "https" || host != "i.example";
        prop_assert_eq!(read.is_ok(), said == asked && is_safe, "{}", document);
        if let Ok(metadata) = read {
            let Metadata { token_endpoint, revocation_endpoint, authorization_endpoint, device_authorization_endpoint, .. } =
                metadata;
            let all = [Some(token_endpoint), revocation_endpoint, authorization_endpoint, device_authorization_endpoint];
            prop_assert_eq!(all[field].as_ref().map(|endpoint| endpoint.as_str()), Some(endpoint.as_str()));
        }
    }
}
