//! Tokens that are refused, rotate, end or are not to be had.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hyper::body::Bytes;
use reqwest::Method;
use serde_json::json;

use super::streaming::web_socket;
use super::{Stage, problem, stream};
use crate::desktop::{Desktop, Proxy, Scene, System, Upstream, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let first = scene.desktop.token().await;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse(&first);
    stage.until_a_refresh_is_allowed(20).await;

    let answer = proxy.request(Method::POST, "/echo").body("again").send().await.unwrap();

    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "again"));
    let tokens: Vec<_> = upstream.received().iter().map(|request| request.token()).collect();
    assert_eq!(tokens, [first, scene.desktop.token().await]);
    assert_eq!(upstream.received()[1].body, b"again");
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refusals_at_once_cause_one_refresh() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse(&scene.desktop.token().await);
    stage.until_a_refresh_is_allowed(20).await;

    let (statuses, socket) = tokio::join!(join_all((0..63).map(|_| proxy.get("/x"))), web_socket(proxy));

    assert_eq!(statuses, vec![200; 63]);
    assert!(socket.1.starts_with("http/1.1 101 "), "{}", socket.1);
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_every_token_costs_one_refresh_and_no_more() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse_all();
    stage.until_a_refresh_is_allowed(20).await;

    let statuses = join_all((0..64).map(|_| proxy.get("/x"))).await;
    assert_eq!(statuses, vec![401; 64]);
    let answer = proxy.request(Method::GET, "/x").send().await.unwrap();

    assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"", "the server's own answer");
    assert_eq!(answer.text().await.unwrap(), "refused");
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
    stage.until_a_refresh_is_allowed(20).await;
    assert_eq!(proxy.get("/x").await, 401);
    assert_eq!(scene.sandbox.requests().await.len(), before + 1, "not for a token that came from a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_proxies_spend_one_refresh_each_on_a_server_that_refuses_a_token_that_stays_the_same() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let second = Proxy::start(&scene.desktop, &format!("--allow {}", upstream.origin()));
    let same = json!({ "access_token": scene.desktop.token().await, "token_type": "Bearer", "expires_in": 20 });
    scene.sandbox.fault(json!({ "status": 200, "body": same, "times": 1000 })).await;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse_all();

    for refreshes in [1, 2, 2] {
        stage.until_a_refresh_is_allowed(20).await;
        assert_eq!((proxy.get("/x").await, second.get("/x").await), (401, 401));
        assert_eq!(scene.sandbox.requests().await.len(), before + refreshes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_holds_no_request_up_while_the_token_is_valid() {
    let Stage { scene, upstream: _upstream, proxy } = Stage::set("--expires-in 24s").await;
    scene.sandbox.fault(json!({ "hold_before_commit": true, "times": 1000 })).await;
    scene.desktop.until_fewer_seconds_are_left("default", 6).await;

    let asked = Instant::now();
    assert_eq!(proxy.get("/x").await, 200);
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_again_gets_its_401_and_the_next_request_a_new_token() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    upstream.refuse(&scene.desktop.token().await);
    stage.until_a_refresh_is_allowed(20).await;

    let body = stream(vec![Bytes::from("a"), Bytes::from("b")]);
    let answer = proxy.request(Method::POST, "/echo").body(body).send().await.unwrap();

    assert_eq!(answer.status(), 401);
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(upstream.take_one().body, b"ab");
    assert_eq!(proxy.get("/x").await, 200);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_log_outs_and_outages_are_followed() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 8s --grace 0").await;
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(&scene.desktop, &format!("--allow {}", upstream.origin()));
    assert_eq!(proxy.get("/x").await, 200);
    let first = upstream.take_one().token();
    scene.refresh_works("behind the proxy's back").await;
    assert_eq!(proxy.get("/x").await, 200);
    let second = upstream.take_one().token();
    assert_ne!(first, second, "nothing is kept");

    scene.sandbox.fault(json!({ "close": "before", "times": 1000 })).await;
    scene.desktop.until_state("default", "expired").await;
    let outage = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
    let agents = scene.desktop.api("GET /v1/accounts/default/token", "").await.unwrap().body;
    assert_eq!((&outage["type"], &outage["status"]), (&agents["type"], &json!(503)));
    assert_eq!(outage["type"], "urn:evertoken:try-later");

    scene.sandbox.heal().await;
    system.lose_and_find_network().await;
    eventually("requests pass again", async || (proxy.get("/x").await == 200).then_some(())).await;

    scene.desktop.evertoken("logout default").await.succeeded();
    let before = upstream.received().len();
    let outcome = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
    assert_eq!((&outcome["type"], &outcome["status"]), (&json!("urn:evertoken:login-required"), &json!(503)));
    assert_eq!(upstream.received().len(), before);
    scene.desktop.login("default", &scene.sandbox).await;
    assert_eq!(proxy.get("/x").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_started_again_is_found_again() {
    let mut stage = Stage::set("--expires-in 1h").await;
    stage.scene.agent.kill();
    let answer = stage.proxy.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(problem(answer).await["type"], "urn:evertoken:agent-unavailable");
    stage.scene.crash_and_restart().await;
    eventually("the agent has read its keychain", async || (stage.proxy.get("/x").await == 200).then_some(())).await;
}
