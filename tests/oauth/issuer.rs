//! What an issuer's metadata says is found, and believed only where it can be.

use serde_json::{Value, json};

use super::{configuration, logged_in, login, signed_out};
use crate::desktop::wire::answer;
use crate::desktop::{Behaviour, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_is_all_that_a_standard_server_needs() {
    let scene = signed_out("--expires-in 4s").await;
    let issuer = scene.sandbox.url("");

    let options = format!("--issuer {issuer} --client-id me --client-secret-file {{secret}}");
    login(&scene, &options).await.succeeded();

    let text = configuration(&scene);
    for line in [
        format!("endpoint = \"{issuer}/oauth/token\""),
        "encoding = \"form\"".to_owned(),
        "token_endpoint_auth_method = \"client_secret_basic\"".to_owned(),
        format!("issuer = \"{issuer}\""),
        format!("revocation_endpoint = \"{issuer}/oauth/revoke\""),
    ] {
        assert!(text.contains(&line), "{line} is missing in {text}");
    }
    scene.goes_on().await;
    login(&scene, "").await.succeeded();
    assert_eq!(configuration(&scene), text, "a later log-in keeps what was found");
    scene.desktop.evertoken("logout default").await.succeeded();
    assert_eq!(scene.sandbox.revocations().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_rfc_8414_finds_nothing_the_openid_configuration_is_taken() {
    let scene = signed_out("--expires-in 1h").await;
    let wire = Wire::start(Behaviour::Closes).await;
    let document = json!({
        "issuer": wire.url("/realm"),
        "token_endpoint": scene.sandbox.url("/oauth/token"),
        "authorization_endpoint": "https://issuer.example/authorize",
        "device_authorization_endpoint": "https://issuer.example/device",
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
    });
    let page = answer("200 OK", "Content-Type: application/json\r\n", document.to_string());
    wire.behave(Behaviour::Serves(vec![("/realm/.well-known/openid-configuration", page)]));

    let options = format!("--issuer {} --client-id me --client-secret-file {{secret}}", wire.url("/realm"));
    login(&scene, &options).await.succeeded();

    let asked: Vec<_> = wire.requests().iter().filter_map(|one| one.lines().next().map(str::to_owned)).collect();
    let expected = ["/.well-known/oauth-authorization-server/realm", "/realm/.well-known/openid-configuration"];
    assert_eq!(asked, expected.map(|path| format!("GET {path} HTTP/1.1")));
    let text = configuration(&scene);
    for line in ["client_secret_post", "https://issuer.example/authorize", "https://issuer.example/device"] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_at_one_place_the_next_is_asked_until_one_is_right() {
    const OAUTH_BEFORE: &str = "/.well-known/oauth-authorization-server/realm";
    const OPENID_BELOW: &str = "/realm/.well-known/openid-configuration";
    const OAUTH_BELOW: &str = "/realm/.well-known/oauth-authorization-server";
    const OPENID_BEFORE: &str = "/.well-known/openid-configuration/realm";
    let scene = signed_out("--expires-in 1h").await;
    let wire = Wire::start(Behaviour::Closes).await;
    let document = |issuer: String| {
        let document = json!({"issuer": issuer, "token_endpoint": scene.sandbox.url("/oauth/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic"]});
        answer("200 OK", "Content-Type: application/json\r\n", document.to_string())
    };
    let right = || document(wire.url("/realm"));
    let page = || answer("200 OK", "Content-Type: text/html\r\n", "<html>Our pages</html>");
    let options = format!("--issuer {} --client-id me --client-secret-file {{secret}}", wire.url("/realm"));
    for pages in [
        vec![(OAUTH_BEFORE, page()), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, answer("302 Found", "Location: /sign-in\r\n", "")), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, answer("500 Oops", "", "")), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, document(wire.url(""))), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, document(wire.url("/realm/"))), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, vec![]), (OPENID_BELOW, right())],
        vec![(OAUTH_BEFORE, page()), (OPENID_BELOW, page()), (OAUTH_BELOW, right())],
        vec![(OAUTH_BEFORE, answer("429 Slow down", "", "")), (OPENID_BEFORE, right())],
    ] {
        let paths: Vec<_> = pages.iter().map(|(path, _)| *path).collect();
        wire.behave(Behaviour::Serves(pages));
        let said = login(&scene, &options).await;
        assert_eq!(said.code, 0, "{paths:?}: {said:?}");
    }
}

/// Metadata of a server at `base`, with one field changed.
fn metadata(base: &str, field: &str, value: Value) -> Vec<u8> {
    let mut document = json!({
        "issuer": base, "token_endpoint": format!("{base}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    });
    document[field] = value;
    answer("200 OK", "Content-Type: application/json\r\n", document.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_cannot_be_trusted_gets_no_token_and_changes_nothing() {
    let scene = logged_in("--expires-in 4s").await;
    let before = configuration(&scene);
    let wire = Wire::start(Behaviour::Closes).await;
    let base = wire.url("");
    let html = "Content-Type: text/html\r\n";
    let members = format!(r#"{{"issuer":"{base}","token_endpoint":"{base}/a","token_endpoint":"{base}/b"}}"#);
    let twice = answer("200 OK", "Content-Type: application/json\r\n", members);
    let page = |bytes: Vec<u8>| Behaviour::Serves(vec![("/.well-known/oauth-authorization-server", bytes)]);
    let elsewhere = format!("Location: {}\r\n", scene.sandbox.url("/.well-known/oauth-authorization-server"));
    for (what, behaviour, code, said) in [
        (
            "another issuer",
            page(metadata(&base, "issuer", json!("https://evil.example"))),
            2,
            "belongs to another issuer",
        ),
        (
            "a slash more",
            page(metadata(&base, "issuer", json!(format!("{base}/")))),
            2,
            &*format!("Copy it as it is: --issuer {base}/"),
        ),
        ("a member twice", page(twice), 2, "has the member \"token_endpoint\" twice"),
        ("a list", page(answer("200 OK", "", format!("[\"{base}\", \"{base}/token\"]"))), 2, "no JSON object"),
        ("no token endpoint", page(metadata(&base, "token_endpoint", Value::Null)), 2, "names no token_endpoint"),
        (
            "a foreign plain endpoint",
            page(metadata(&base, "token_endpoint", json!("http://evil.example/t"))),
            2,
            "without encryption",
        ),
        (
            "a plain revocation",
            page(metadata(&base, "revocation_endpoint", json!("http://evil.example/r"))),
            2,
            "revocation_endpoint",
        ),
        (
            "no known method",
            page(metadata(&base, "token_endpoint_auth_methods_supported", json!(["tls_client_auth"]))),
            2,
            "neither client_secret_basic",
        ),
        (
            "a page",
            page(answer("200 OK", html, "<html>Sign in to the airport's network</html>")),
            2,
            "a web page is at",
        ),
        ("a redirect", page(answer("302 Found", &elsewhere, "")), 4, "redirects elsewhere"),
        ("nothing", Behaviour::Serves(Vec::new()), 2, "has no metadata"),
        ("a forbidden place", page(answer("403 Forbidden", "", "")), 2, "has no metadata"),
        ("a proxy", page(answer("407 Proxy Authentication Required", "", "")), 4, "a proxy before the endpoint"),
        ("too much", page(answer("200 OK", "", vec![b' '; 300 << 10])), 4, "longer than 256 KiB"),
        ("an error", page(answer("500 Oops", "", "")), 4, "HTTP 500"),
        ("a broken connection", Behaviour::Resets, 4, "connection broke"),
    ] {
        wire.behave(behaviour);
        let outcome = login(&scene, &format!("--issuer {base} --client-id me --client-secret-file {{secret}}")).await;
        assert!(outcome.failed(code).contains(said), "{what}: {outcome:?}");
        assert_eq!(configuration(&scene), before, "{what}");
    }
    for bad in ["http://issuer.example", "issuer.example", "https://issuer.example/?x"] {
        let outcome = login(&scene, &format!("--issuer {bad}")).await;
        assert!(outcome.code == 2 && outcome.stderr.contains("the issuer "), "{outcome:?}");
    }
    assert!(wire.requests().iter().all(|one| one.starts_with("GET /")), "no token was sent");
    scene.goes_on().await;
    scene.nothing_was_refused("the login before all this").await;
}
