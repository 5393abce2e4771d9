#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn issuer(text: &str) -> Issuer {
    text.parse().unwrap()
}

fn read(document: &Value) -> Result<Metadata, InvalidMetadata> {
    Metadata::read(document.to_string().as_bytes(), &issuer("https://issuer.example"))
}

#[test]
fn metadata_is_looked_for_where_the_standards_put_it() {
    let locations = |text: &str| -> Vec<String> { issuer(text).locations().into_iter().map(String::from).collect() };
    let plain = [
        "https://issuer.example/.well-known/oauth-authorization-server",
        "https://issuer.example/.well-known/openid-configuration",
    ];
    assert_eq!(locations("https://issuer.example"), plain);
    assert_eq!(locations("https://issuer.example/"), plain);
    assert_eq!(
        locations("https://issuer.example/realms/a"),
        [
            "https://issuer.example/.well-known/oauth-authorization-server/realms/a",
            "https://issuer.example/realms/a/.well-known/openid-configuration",
            "https://issuer.example/realms/a/.well-known/oauth-authorization-server",
            "https://issuer.example/.well-known/openid-configuration/realms/a",
        ]
    );
}

#[test]
fn an_issuer_that_could_be_changed_on_the_way_is_refused() {
    for good in ["https://a.example", "https://a.example/x/", "http://127.0.0.1:1", "http://localhost:1/x"] {
        assert_eq!(issuer(good).as_str(), good);
        assert_eq!(String::from(issuer(good)), good);
    }
    for bad in [
        "",
        "a.example",
        "http://a.example",
        "ftp://a.example",
        "https://a.example/?x",
        "https://a.example#x",
        "https://u:p@a.example",
    ] {
        assert!(bad.parse::<Issuer>().is_err(), "{bad}");
    }
}

#[test]
fn the_endpoints_are_taken_from_the_issuers_own_document() {
    let metadata = read(&json!({
        "issuer": "https://issuer.example",
        "token_endpoint": "https://tokens.example/token",
        "revocation_endpoint": "https://issuer.example/revoke",
        "authorization_endpoint": "https://issuer.example/authorize",
        "device_authorization_endpoint": null,
        "jwks_uri": 7,
    }));
    let metadata = metadata.unwrap();
    assert_eq!(metadata.token_endpoint.as_str(), "https://tokens.example/token");
    assert_eq!(metadata.revocation_endpoint.unwrap().as_str(), "https://issuer.example/revoke");
    assert_eq!(metadata.authorization_endpoint.unwrap().as_str(), "https://issuer.example/authorize");
    assert_eq!(metadata.device_authorization_endpoint, None);
}

#[test]
fn the_longest_metadata_has_room_for_what_servers_say() {
    let document = json!({
        "issuer": "https://issuer.example",
        "token_endpoint": "https://issuer.example/token",
        "scopes_supported": vec!["a.scope.of.some.length"; 1_000],
    });
    assert!(document.to_string().len() <= LONGEST_METADATA);
    assert!(read(&document).is_ok());
}

#[test]
fn a_document_that_sends_the_token_elsewhere_is_refused() {
    let foreign = json!({"issuer": "https://evil.example", "token_endpoint": "https://issuer.example/token"});
    assert!(matches!(read(&foreign), Err(InvalidMetadata::AnotherIssuer(_))));
    assert!(matches!(read(&json!({"token_endpoint": "https://a/"})), Err(InvalidMetadata::AnotherIssuer(_))));
    let none = json!({"issuer": "https://issuer.example"});
    assert_eq!(read(&none), Err(InvalidMetadata::NoTokenEndpoint));
    for field in ["token_endpoint", "revocation_endpoint", "authorization_endpoint"] {
        for bad in [json!("http://issuer.example/x"), json!("/x"), json!(""), json!(7), json!([])] {
            let mut document =
                json!({"issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/token"});
            document[field] = bad.clone();
            let refused = read(&document);
            assert!(
                matches!(&refused, Err(InvalidMetadata::BadEndpoint { name, .. }) if *name == field),
                "{field} {bad}: {refused:?}"
            );
        }
    }
    let list = r#"["https://issuer.example", "https://issuer.example/token"]"#;
    for body in ["", "[]", "7", "{", "{}{}", "[{}]", list] {
        let refused = Metadata::read(body.as_bytes(), &issuer("https://issuer.example")).unwrap_err();
        assert!(matches!(refused, InvalidMetadata::NotAnObject | InvalidMetadata::AnotherIssuer(_)), "{body}");
    }
    let page = Metadata::read(b"<html>", &issuer("https://issuer.example"));
    assert_eq!(page, Err(InvalidMetadata::WebPage));
}

#[test]
fn a_slash_too_many_or_too_few_offers_the_issuer_to_copy() {
    for (typed, real) in [
        ("https://i.example", "https://i.example/"),
        ("https://i.example/", "https://i.example"),
        ("https://i.example/realms/a/", "https://i.example/realms/a"),
    ] {
        let document = json!({"issuer": real, "token_endpoint": "https://i.example/token"}).to_string();
        let refused = Metadata::read(document.as_bytes(), &issuer(typed)).unwrap_err();
        assert_eq!(refused, InvalidMetadata::OtherSlash(issuer(real)));
        assert_eq!(refused.advice().unwrap(), format!("Copy it as it is: --issuer {real}"));
    }
}

#[test]
fn a_document_of_the_issuers_own_tells_more_than_anothers_and_that_more_than_none() {
    let own = [
        InvalidMetadata::OtherSlash(issuer("https://issuer.example/")),
        InvalidMetadata::Twice("issuer".to_owned()),
        InvalidMetadata::NoTokenEndpoint,
        InvalidMetadata::BadEndpoint { name: "token_endpoint", reason: String::new() },
        InvalidMetadata::NoKnownMethod,
    ];
    let anothers = InvalidMetadata::AnotherIssuer(String::new()).telling();
    for own in own {
        assert!(own.telling() > anothers, "{own:?}");
    }
    for none in [InvalidMetadata::NotAnObject, InvalidMetadata::WebPage] {
        assert!(none.telling() < anothers, "{none:?}");
    }
}

#[test]
fn a_member_given_twice_is_refused_wherever_it_stands() {
    for (first, second) in [
        (r#""issuer":"https://evil.example""#, r#""issuer":"https://issuer.example""#),
        (r#""token_endpoint":"https://evil.example/t""#, r#""token_endpoint":"https://issuer.example/token""#),
        (r#""x":1"#, r#""x":1"#),
    ] {
        let body = format!(
            r#"{{{first},"issuer":"https://issuer.example","token_endpoint":"https://issuer.example/token",{second}}}"#
        );
        let read = Metadata::read(body.as_bytes(), &issuer("https://issuer.example"));
        assert!(matches!(read, Err(InvalidMetadata::Twice(_))), "{body}: {read:?}");
    }
}

#[test]
fn what_is_said_about_callbacks_is_read() {
    for (said, names) in [(json!(true), true), (json!(false), false), (json!("true"), false), (Value::Null, false)] {
        let document = json!({"issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/t",
            (NAMES_ISSUER): said});
        assert_eq!(read(&document).unwrap().names_issuer_in_callbacks, names, "{said}");
    }
}

#[test]
fn a_secret_travels_in_a_way_that_the_endpoint_takes() {
    let method = |methods: Value| {
        let mut document =
            json!({"issuer": "https://issuer.example", "token_endpoint": "https://issuer.example/token"});
        document["token_endpoint_auth_methods_supported"] = methods;
        read(&document).unwrap().method_with_secret()
    };
    let (basic, post) = (AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost);
    assert_eq!(method(json!(["private_key_jwt", "client_secret_post", "client_secret_basic"])), Ok(basic));
    assert_eq!(method(json!(["client_secret_post", "none"])), Ok(post));
    assert_eq!(method(Value::Null), Ok(basic));
    assert_eq!(method(json!(["private_key_jwt", 7])), Err(InvalidMetadata::NoKnownMethod));
}

/// Documents that are nearly right: each field one of a few values, or missing.
fn document() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just(json!("https://issuer.example")),
        Just(json!("https://issuer.example/token")),
        Just(json!("http://issuer.example/token")),
        Just(json!("http://127.0.0.1:9/token")),
        Just(json!(["client_secret_post"])),
        Just(Value::Null),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "issuer",
        "token_endpoint",
        "revocation_endpoint",
        "authorization_endpoint",
        "device_authorization_endpoint",
        "token_endpoint_auth_methods_supported",
    ]);
    prop::collection::btree_map(name, value, 0..7).prop_map(|fields| json!(fields))
}

proptest! {
    #[test]
    fn whatever_is_read_sends_nothing_over_a_network_in_plain_text(document in document()) {
        if let Ok(metadata) = read(&document) {
            prop_assert_eq!(&document["issuer"], "https://issuer.example");
            let Metadata { token_endpoint, revocation_endpoint, authorization_endpoint, .. } = metadata;
            for endpoint in [Some(token_endpoint), revocation_endpoint, authorization_endpoint].into_iter().flatten() {
                prop_assert!(endpoint.as_str().starts_with("https://") || endpoint.is_loopback());
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,60}") {
        let _ = Metadata::read(&body, &issuer("https://issuer.example"));
        if let Ok(issuer) = text.parse::<Issuer>() {
            prop_assert!(!issuer.locations().is_empty());
        }
    }
}
