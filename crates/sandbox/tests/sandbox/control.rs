//! What people and tests ask of the sandbox itself.

use serde_json::{Value, json};

use crate::server::{Server, fingerprint};

#[tokio::test]
async fn the_log_shows_what_arrived_and_no_token() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    let granted = server.refresh(&login["refresh_token"]).await.json;
    let log = server.get("/sandbox/requests?wait_for=1").await;
    let request = &log["requests"][0];
    assert_eq!(request["path"], "/v2.0/reference/gettoken");
    assert_eq!(request["content_type"], "application/json");
    assert_eq!(request["grant_type"], "refresh_token");
    assert_eq!(request["fingerprint"], fingerprint(&login["refresh_token"]));
    assert_eq!((&request["outcome"], &request["status"]), (&json!("granted"), &json!(200)));
    assert_eq!(request["successor"], fingerprint(&granted["refresh_token"]));
    assert!(request["headers"].as_array().unwrap().contains(&json!("content-type")));
    assert_eq!(request["at"].as_str().unwrap().len(), "2025-01-01T00:00:00.000Z".len());
    assert_eq!((&log["in_flight"], &log["held"]), (&json!(0), &json!([])));
    assert!(!log.to_string().contains("eyJraWQiOi"));
}

#[tokio::test]
async fn the_log_can_be_waited_for() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    let (log, _) = tokio::join!(server.get("/sandbox/requests?wait_for=1"), server.refresh(&login["refresh_token"]));
    assert_eq!(log["requests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sign_in_may_have_its_own_lifetimes() {
    let server = Server::start(&[]);
    let wishes = json!({"user_id": "usr:me", "expires_in": "8s", "refresh_expires_in": "60s"});
    let login = server.post("/sandbox/sign-in", &wishes).await.json;
    assert_eq!((&login["user_id"], &login["expires_in"]), (&json!("usr:me"), &json!(8)));
    let granted = server.refresh(&login["refresh_token"]).await.json;
    assert_eq!(granted["expires_in"], 8, "so has what it is rotated into");
    server.post("/sandbox/clock", &json!({"skew": "61s"})).await;
    assert_eq!(server.state(&granted["refresh_token"]).await, "expired");
    assert_eq!(server.post("/sandbox/sign-in", &json!({"expires_in": "soon"})).await.status, 400);
}

#[tokio::test]
async fn all_logins_can_be_ended_at_once() {
    let server = Server::start(&[]);
    let (one, two) = (server.sign_in().await, server.sign_in().await);
    assert_eq!(one["user_id"], two["user_id"], "the same person");
    assert_eq!(server.post("/sandbox/expire", &Value::Null).await.json, json!({"expired": 2}));
    for login in [&one, &two] {
        assert_eq!(server.refresh(&login["refresh_token"]).await.status, 401);
        assert_eq!(server.user_info(&login["access_token"]).await.status, 200);
    }
}

#[tokio::test]
async fn the_clock_moves_the_date_header_too() {
    let server = Server::start(&[]);
    let answer = server.post("/sandbox/clock", &json!({"skew": "-36500d"})).await;
    assert_eq!(answer.json["skew"], "-36500d");
    assert!(answer.json["now"].as_str().unwrap().starts_with("19"), "{}", answer.json);
    assert!(answer.header("date").contains(" 19"), "{}", answer.header("date"));
    assert_eq!(server.post("/sandbox/clock", &json!({})).await.status, 400);
}

#[tokio::test]
async fn a_token_is_known_by_its_fingerprint() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    let token = server.get(&format!("/sandbox/tokens/{}", fingerprint(&login["access_token"]))).await;
    assert_eq!(
        (&token["state"], &token["kind"], &token["family"]),
        (&json!("live"), &json!("access_token"), &json!(1))
    );
    assert_eq!(server.state(&json!("never seen")).await, "unknown");
    let wrong = server.request(reqwest::Method::GET, "/sandbox/tokens/xyz").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
}
