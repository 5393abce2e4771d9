//! Every way in which an answer can go wrong on request.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, fingerprint};

#[tokio::test]
async fn a_status_is_answered_instead_and_spends_nothing() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!({"status": 503, "headers": {"Retry-After": "5"}, "body": "busy"})).await;
    let answer = server.refresh(&login["refresh_token"]).await;
    assert_eq!((answer.status, answer.header("retry-after"), &answer.json), (503, "5", &json!("busy")));
    assert_eq!(server.state(&login["refresh_token"]).await, "live");
    let request = server.last_request(1).await;
    assert_eq!(
        (&request["outcome"], &request["status"], &request["successor"]),
        (&json!("fault"), &json!(503), &Value::Null)
    );
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 200, "once means once");
}

#[tokio::test]
async fn a_status_may_hide_a_rotation() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!({"status": 502, "body": {"why": "proxy"}, "commit": true})).await;
    let answer = server.refresh(&login["refresh_token"]).await;
    assert_eq!((answer.status, &answer.json["why"]), (502, &json!("proxy")));
    assert_eq!(server.state(&login["refresh_token"]).await, "spent");
    let successor = server.last_request(1).await["successor"].take();
    let successor = server.get(&format!("/sandbox/tokens/{}", successor.as_str().unwrap())).await;
    assert_eq!((&successor["state"], &successor["kind"]), (&json!("live"), &json!("refresh_token")));
}

#[tokio::test]
async fn a_connection_closes_before_or_after_the_commit() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!([{"close": "before"}, {"close": "after"}])).await;

    assert!(server.token_request(&login["refresh_token"]).send().await.is_err());
    assert_eq!(server.last_request(1).await["successor"], Value::Null);
    assert_eq!(server.state(&login["refresh_token"]).await, "live");

    assert!(server.token_request(&login["refresh_token"]).send().await.is_err());
    let request = server.last_request(2).await;
    assert_eq!((&request["outcome"], &request["status"]), (&json!("fault"), &Value::Null));
    assert!(request["successor"].is_string());
    assert_eq!(server.state(&login["refresh_token"]).await, "spent");
}

#[tokio::test]
async fn an_answer_breaks_off_under_its_full_length() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    for length in [0, 20] {
        server.fault(json!({"cut_after": length})).await;
        let mut response = server.token_request(&login["refresh_token"]).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.content_length().unwrap() > 1_000);
        let mut received = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "the client must notice");
        assert_eq!(received.len(), length);
    }
    assert_eq!(server.state(&login["refresh_token"]).await, "spent");
}

#[tokio::test]
async fn a_delay_comes_before_or_after_the_commit() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!({"delay": "150ms", "delay_before_commit": "150ms"})).await;
    let sent = Instant::now();
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 200);
    assert!(sent.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.last_request(1).await["outcome"], "granted");
}

#[tokio::test]
async fn a_held_request_waits_for_its_release() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!({"hold_before_commit": "spend", "hold": "answer"})).await;
    let controlled = async {
        let log = server.get("/sandbox/requests?wait_for_held=spend").await;
        assert_eq!((&log["in_flight"], &log["held"]), (&json!(1), &json!(["spend"])));
        assert_eq!(server.state(&login["refresh_token"]).await, "live");
        server.post("/sandbox/release", &json!({"name": "spend"})).await;

        server.get("/sandbox/requests?wait_for_held=answer").await;
        assert_eq!(server.state(&login["refresh_token"]).await, "spent");
        server.post("/sandbox/release", &json!({"name": "answer"})).await;
    };
    let (answer, ()) = tokio::join!(server.refresh(&login["refresh_token"]), controlled);
    assert_eq!(answer.status, 200);

    server.post("/sandbox/release", &json!({})).await;
    server.fault(json!({"hold": true})).await;
    assert_eq!(server.refresh(&answer.json["refresh_token"]).await.status, 200, "released beforehand");
}

#[tokio::test]
async fn a_request_is_carried_through_when_its_client_has_gone() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!({"hold_before_commit": "a"})).await;
    {
        let request = server.token_request(&login["refresh_token"]).send();
        tokio::select! {
            _ = request => panic!("it is held"),
            _ = server.get("/sandbox/requests?wait_for_held=a") => {}
        }
    }
    server.post("/sandbox/release", &json!({"name": "a"})).await;
    assert_eq!(server.last_request(1).await["outcome"], "granted");
    assert_eq!(server.state(&login["refresh_token"]).await, "spent");
}

#[tokio::test]
async fn the_queue_can_be_seen_and_cleared() {
    let server = Server::start(&[]);
    let login = server.sign_in().await;
    server.fault(json!([{}, {"status": 500, "times": 3}])).await;
    assert_eq!(server.get("/sandbox/faults").await["faults"][1], json!({"status": 500, "times": 3}));
    assert_eq!(server.refresh(&login["refresh_token"]).await.status, 200, "an empty fault is an ordinary answer");
    let cleared = server.request(reqwest::Method::DELETE, "/sandbox/faults").send().await.unwrap();
    assert_eq!(cleared.json::<Value>().await.unwrap(), json!({"faults": []}));

    let wrong = server.post("/sandbox/faults", &json!({"stauts": 500})).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.json["message"].as_str().unwrap().contains("stauts"), "{}", wrong.json);
}

#[tokio::test]
async fn a_fault_meets_the_next_request_whoever_sends_it() {
    let server = Server::start(&[]);
    server.fault(json!({"headers": {"Date": "Wed, 01 Jan 2025 00:00:00 GMT"}})).await;
    let answer = server.refresh(&json!("unknown")).await;
    assert_eq!((answer.status, answer.header("date")), (401, "Wed, 01 Jan 2025 00:00:00 GMT"));
    assert_eq!(server.last_request(1).await["fingerprint"], fingerprint(&json!("unknown")));
}
