//! The endpoint is down, slow, busy or somebody else: patience, and no log-in that nobody asked for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::desktop::{Desktop, Notifications, Scene, System, throughout};

/// Refreshes fail from now on.
async fn breaks(scene: &Scene, mut fault: Value) {
    fault["times"] = json!(1000);
    scene.sandbox.fault(fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_during_an_outage_cause_no_request_beyond_the_back_offs_own() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let before = scene.sandbox.requests().await.len();
    breaks(&scene, json!({ "close": "before" })).await;
    scene.desktop.until_state("default", "expired").await;

    let mut calls = 0;
    let polling = throughout(Duration::from_secs(8), "every caller gets a clear answer", async || {
        calls += 1;
        scene.desktop.evertoken("token").await.code == 4
    });
    polling.await;

    // Waits of at least a second: in twelve seconds not more requests than seconds, however many ask.
    let requests = scene.sandbox.requests().await.len() - before;
    assert!(calls > 3 * requests, "{requests} requests for {calls} calls");
    let status = scene.desktop.status().await;
    let failures = status.account("default")["refresh"]["failures"].as_u64().unwrap();
    assert!(requests as u64 <= failures + 1, "{requests} requests, {failures} failures of the back-off's own");
    assert!(failures <= 13, "{failures} attempts");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_retry_after_nobody_asks_again() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let before = scene.sandbox.requests().await.len();
    breaks(&scene, json!({ "status": 503, "headers": { "Retry-After": "120" }, "body": "busy" })).await;
    scene.sandbox.requests_reach(before + 1).await;
    scene.desktop.until_state("default", "expired").await;

    throughout(Duration::from_secs(5), "one request, however many ask", async || {
        let token = scene.desktop.evertoken("token").await.code;
        let refresh = scene.desktop.evertoken("refresh").await.code;
        (token, refresh) == (4, 4) && scene.sandbox.requests().await.len() == before + 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_on_by_itself_when_the_endpoint_is_back() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 8s").await;
    let mut follower = scene.desktop.follow();
    breaks(&scene, json!({ "status": 500, "body": "oops" })).await;
    follower.until("retrying", |status| status.state("default") == "retrying").await;
    follower.until("expired", |status| status.state("default") == "expired").await;
    notifications.shown("Vault token not renewed").await;

    scene.sandbox.heal().await;

    follower.until("valid again", |status| status.state("default") == "valid").await;
    notifications.gone().await;
    assert_eq!(notifications.all().len(), 1, "one incident, one notification");
    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captive_portal_or_a_proxy_never_asks_for_a_log_in() {
    let portal = "<html><body>Welcome to the airport. Please log in.</body></html>";
    let html = json!({ "Content-Type": "text/html" });
    for fault in [
        json!({ "status": 200, "headers": html, "body": portal }),
        json!({ "status": 401, "headers": html, "body": portal }),
        json!({ "status": 302, "headers": { "Location": "http://portal.invalid/" } }),
        json!({ "status": 403, "body": "{\"message\":\"blocked\"}" }),
        json!({ "status": 407, "body": "" }),
    ] {
        let mut desktop = Desktop::without_screen().await;
        let system = System::start(&mut desktop).await;
        let notifications = Notifications::arrive(&desktop.bus).await;
        let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
        breaks(&scene, fault.clone()).await;
        scene.desktop.until_state("default", "expired").await;
        let asked = notifications.all().iter().any(|one| one.summary.contains("Log in"));
        assert!(!asked, "{fault} asked a person to log in");

        scene.sandbox.heal().await;
        system.lose_and_find_network().await;

        scene.desktop.until_state("default", "valid").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_wakes_up_tries_again_at_once() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    // No verdict, so that the agent by itself would wait a minute.
    breaks(&scene, json!({ "status": 403, "body": "" })).await;
    scene.desktop.until_state("default", "expired").await;
    scene.sandbox.heal().await;

    system.suspend_and_resume().await;

    scene.desktop.until_state("default", "valid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_askers_share_one_request() {
    let scene = Scene::logged_in("--expires-in 8s --grace 0").await;
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.fault(json!({ "hold_before_commit": "all" })).await;
    scene.sandbox.holds("all").await;

    let askers = futures_util::future::join_all((0..10).map(|_| scene.desktop.evertoken("refresh")));
    let release = async {
        let seen =
            throughout(Duration::from_secs(1), "one request in flight", async || scene.sandbox.in_flight().await == 1);
        seen.await;
        scene.sandbox.release("all").await;
    };
    let (outcomes, ()) = tokio::join!(askers, release);

    for outcome in outcomes {
        outcome.succeeded();
    }
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_endpoint_does_not_keep_readers_waiting() {
    let scene = Scene::logged_in("--expires-in 16s").await;
    scene.sandbox.fault(json!({ "hold_before_commit": "slow" })).await;
    scene.sandbox.holds("slow").await;

    let began = tokio::time::Instant::now();
    let status = scene.desktop.status().await;
    let token = scene.desktop.evertoken("token --min-valid 0s").await;

    assert_eq!(status.state("default"), "refreshing");
    assert_eq!(scene.sandbox.user_info(token.succeeded()).await, 200);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    scene.sandbox.release("slow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_server_clock_changes_nothing() {
    let scene = Scene::logged_in("--expires-in 8s").await;
    scene.sandbox.skew_clock("-90s").await;

    let rotations = scene.desktop.status().await.rotations("default");
    let status = scene.desktop.until("two rotations", |status| status.rotations("default") >= rotations + 2).await;

    assert_eq!(status.state("default"), "valid");
}
