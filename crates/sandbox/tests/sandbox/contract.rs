//! The token endpoint as the contract has it, its older dialect, and a resource behind it.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::server::{Server, fingerprint, read};

fn keys(json: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn the_documented_request_gets_the_documented_answer() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    let body = format!(
        "{{\n\"grant_type\": \"refresh_token\",\n\"refresh_token\": \"{}\"\n}}",
        login["refresh_token"].as_str().unwrap()
    );
    let request = server.request(Method::POST, "/v2.0/reference/gettoken");
    let answer = read(request.header(CONTENT_TYPE, "application/json").body(body).send().await.unwrap()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(keys(&answer.json), ["access_token", "expires_in", "refresh_token", "scope", "token_type", "user_id"]);
    assert_eq!(answer.json["token_type"], "Bearer");
    assert_eq!(answer.json["expires_in"], 86_400);
    assert_eq!(answer.json["user_id"], login["user_id"]);
    assert_ne!(answer.json["refresh_token"], login["refresh_token"]);
    assert!(answer.json["scope"].as_str().unwrap().starts_with("accounts:create accounts:read "));
    assert!(answer.json["scope"].as_str().unwrap().ends_with(" withdraw_other_account:show"));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.header("date").ends_with(" GMT"));
}

#[tokio::test]
async fn an_expired_refresh_token_gets_the_documented_401() {
    let server = Server::start(&[]);
    let login = server.post("/sandbox/sign-in", &json!({"refresh_expires_in": "60s"})).await.json;
    let state = server.get(&format!("/sandbox/tokens/{}", fingerprint(&login["refresh_token"]))).await;
    server.post("/sandbox/clock", &json!({"skew": "61s"})).await;

    let answer = server.refresh(&login["refresh_token"]).await;
    let again = server.refresh(&login["refresh_token"]).await;

    assert_eq!(answer.status, 401);
    assert_eq!(keys(&answer.json), ["errors", "message", "status", "traceId"]);
    assert_eq!(answer.json["status"], "UNAUTHORIZED");
    assert_eq!(answer.json["errors"], json!([]));
    let message = answer.json["message"].as_str().unwrap();
    let at = message.strip_prefix("The Token has expired on ").unwrap();
    assert_eq!(at.len(), "2025-01-01T00:00:00.000Z".len());
    assert_eq!(at[..23], state["expires_at"].as_str().unwrap()[..23], "the instant at which it ended");
    assert_ne!(answer.json["traceId"], again.json["traceId"]);
    assert_eq!(server.state(&login["access_token"]).await, "live", "the access token has its own end");
}

#[tokio::test]
async fn a_spent_token_has_one_grace_and_then_ends_the_login() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    let lost = server.refresh(&login["refresh_token"]).await.json;

    let second = server.refresh(&login["refresh_token"]).await;
    assert_eq!(second.status, 200);
    assert_eq!(server.last_request(2).await["outcome"], "replayed-within-grace");
    assert_eq!(server.state(&lost["refresh_token"]).await, "revoked");
    assert_eq!(server.user_info(&lost["access_token"]).await.status, 401);
    assert_eq!(server.user_info(&second.json["access_token"]).await.status, 200);

    let third = server.refresh(&login["refresh_token"]).await;
    assert_eq!((third.status, &third.json["message"]), (401, &json!("The Token is invalid")));
    assert_eq!(server.last_request(3).await["outcome"], "replayed");
    assert_eq!(server.state(&second.json["refresh_token"]).await, "revoked");
    assert_eq!(server.user_info(&second.json["access_token"]).await.status, 401);
    assert_eq!(server.refresh(&second.json["refresh_token"]).await.status, 401);
    assert_eq!(server.last_request(4).await["outcome"], "refused");
}

#[tokio::test]
async fn without_grace_the_first_replay_ends_the_login() {
    let server = Server::start(&["--grace", "0"]);
    let login = server.sign_in().await;
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 200);
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 401);
}

#[tokio::test]
async fn wrong_requests_get_the_older_shape() {
    let server = Server::start(&[]);
    let path = "/v2.0/reference/gettoken";
    let missing = server.post(path, &json!({"grant_type": "refresh_token"})).await;
    assert_eq!(missing.status, 400);
    assert_eq!(
        missing.json,
        json!({
            "error": "COMMON", "errorId": 0, "message": "The parameter refresh_token is missing", "systemId": "core"
        })
    );
    let other = server.post(path, &json!({"grant_type": "password", "refresh_token": "x"})).await;
    assert_eq!(other.status, 400);
    let form = server.request(Method::POST, path).form(&[("grant_type", "refresh_token")]).send().await.unwrap();
    assert_eq!(form.status(), 415);
    let get = server.request(Method::GET, path).send().await.unwrap();
    assert_eq!((get.status().as_u16(), get.headers()["allow"].to_str().unwrap()), (405, "POST"));
    let large = server.post(path, &json!({"refresh_token": "x".repeat(70_000)})).await;
    assert_eq!(large.status, 413);
    assert_eq!(server.post("/oauth/token", &json!({})).await.status, 404, "only with --encoding form or both");
    assert_eq!(server.last_request(5).await["outcome"], "invalid");
    let unknown = server.refresh(&json!("eyJraWQiOiJmODAyNjg0OC1mNTJkLTRmY")).await;
    assert_eq!((unknown.status, &unknown.json["status"]), (401, &json!("UNAUTHORIZED")));
}

#[tokio::test]
async fn the_form_dialect_speaks_rfc_6749() {
    let server = Server::start(&["--encoding", "form"]);
    let login = server.sign_in().await;
    let form = |token: &Value| {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())];
        server.request(Method::POST, "/oauth/token").form(&parameters)
    };

    let stranger = read(form(&login["refresh_token"]).send().await.unwrap()).await;
    assert_eq!((stranger.status, &stranger.json["error"]), (400, &json!("invalid_request")));

    let granted = read(form(&login["refresh_token"]).header("X-Merchant-ID", "m-1").send().await.unwrap()).await;
    assert_eq!(granted.status, 200);
    assert_eq!(granted.json["token_type"], "Bearer");

    let refused = read(form(&json!("unknown")).header("X-Merchant-ID", "m-1").send().await.unwrap()).await;
    assert_eq!((refused.status, refused.json), (400, json!({"error": "invalid_grant"})));
    assert_eq!(server.refresh(&granted.json["refresh_token"]).await.status, 415, "json is not taken");
}

#[tokio::test]
async fn a_resource_wants_a_live_access_token() {
    let server = Server::start(&["--expires-in", "8s"]);
    let login = server.sign_in().await;
    let good = server.user_info(&login["access_token"]).await;
    assert_eq!((good.status, &good.json["user_id"]), (200, &login["user_id"]));
    assert!(good.json["expires_in"].as_i64().unwrap() <= 8);

    server.post("/sandbox/clock", &json!({"skew": "9s"})).await;
    let late = server.user_info(&login["access_token"]).await;
    assert_eq!((late.status, late.header("www-authenticate")), (401, r#"Bearer error="invalid_token""#));
    assert!(late.json["message"].as_str().unwrap().starts_with("The Token has expired on "));

    let none = read(server.request(Method::GET, "/v2.0/user/info").send().await.unwrap()).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
}

#[tokio::test]
async fn tokens_have_the_length_that_was_asked_for() {
    let server = Server::start(&["--access-token-bytes", "2400", "--refresh-token-bytes", "27"]);
    let login = server.sign_in().await;
    assert!((2_400..=2_401).contains(&login["access_token"].as_str().unwrap().len()));
    assert_eq!(login["refresh_token"].as_str().unwrap().len(), 27);
    assert!(login["access_token"].as_str().unwrap().starts_with("eyJraWQiOi"));
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 200);
}

/// A file with the secret of the client `me`.
fn secret_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3:cret\n").unwrap();
    file
}

#[tokio::test]
async fn a_standard_client_finds_the_endpoints_authenticates_and_revokes() {
    let file = secret_file();
    let path = file.path().to_str().unwrap();
    let server = Server::start(&["--encoding", "form", "--client-id", "me", "--client-secret-file", path]);
    let metadata = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["issuer"], server.url);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["client_secret_basic", "client_secret_post"]));
    let login = server.sign_in().await;
    let first = login["refresh_token"].as_str().unwrap();
    let grant = |token: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    let token = metadata["token_endpoint"].as_str().unwrap();

    let stranger = read(server.client.post(token).form(&grant(first)).send().await.unwrap()).await;
    assert_eq!((stranger.status, &stranger.json["error"]), (401, &json!("invalid_client")));
    assert_eq!(stranger.header("www-authenticate"), r#"Basic realm="evertoken-sandbox""#);
    let basic = server.client.post(token).basic_auth("me", Some("s3%3Acret")).form(&grant(first));
    let second = read(basic.send().await.unwrap()).await;
    assert_eq!(second.status, 200, "a refused client has spent nothing: {}", second.json);
    let second = second.json["refresh_token"].as_str().unwrap().to_owned();
    let post = [("client_id", "me".to_owned()), ("client_secret", "s3:cret".to_owned())];
    let body: Vec<_> = grant(&second).into_iter().chain(post.clone()).collect();
    let third = read(server.client.post(token).form(&body).send().await.unwrap()).await;
    assert_eq!(third.status, 200, "{}", third.json);
    let third = third.json["refresh_token"].as_str().unwrap().to_owned();

    let revoke = metadata["revocation_endpoint"].as_str().unwrap();
    let hint = ("token_type_hint", "refresh_token".to_owned());
    let alone = [("token", third.clone()), hint.clone()];
    assert_eq!(server.client.post(revoke).form(&alone).send().await.unwrap().status(), 401);
    let body: Vec<_> = alone.into_iter().chain(post.clone()).collect();
    assert_eq!(server.client.post(revoke).form(&body).send().await.unwrap().status(), 200);
    let unknown: Vec<_> = [("token", "unknown".to_owned()), hint].into_iter().chain(post.clone()).collect();
    assert_eq!(server.client.post(revoke).form(&unknown).send().await.unwrap().status(), 200);
    let body: Vec<_> = grant(&third).into_iter().chain(post).collect();
    let over = read(server.client.post(token).form(&body).send().await.unwrap()).await;
    assert_eq!((over.status, &over.json["error"]), (400, &json!("invalid_grant")));
    assert_eq!(server.state(&json!(third)).await, "revoked");
}

#[tokio::test]
async fn a_public_client_gives_its_name() {
    let server = Server::start(&["--client-id", "me"]);
    let login = server.sign_in().await;
    let path = "/v2.0/reference/gettoken";
    let mut body = json!({"grant_type": "refresh_token", "refresh_token": login["refresh_token"]});
    assert_eq!(server.post(path, &body).await.status, 401);
    body["client_id"] = json!("me");
    assert_eq!(server.post(path, &body).await.status, 200);
}
