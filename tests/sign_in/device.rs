//! A code that is typed in on another device.

use serde_json::{Value, json};

use super::{logged_in, login, server, signed_out};
use crate::desktop::{Browser, Process, Scene, eventually};

/// Waits for this many polls.
async fn polled(scene: &Scene, times: usize) {
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.requests_reach(before + times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_on_another_device_and_stays_logged_in() {
    let mut scene = signed_out("--expires-in 4s").await;
    let settings = json!({"issuer": scene.sandbox.url(""), "client_id": "me"});
    let mut stream = scene.desktop.sign_in_stream("device", &json!({"settings": settings})).await;
    let prompt = stream.event("prompt").await;
    let user_code = prompt["user_code"].as_str().unwrap();
    assert_eq!(prompt["verification_uri"], scene.sandbox.url("/oauth/device").as_str());
    assert_eq!(prompt["way"], "device");
    polled(&scene, 2).await;

    let browser = Browser::new();
    let page = browser.get(prompt["verification_uri_complete"].as_str().unwrap()).await;
    assert!(page.html.contains(user_code), "{}", page.html);
    let form = format!("user_code={user_code}&answer=approve");
    assert_eq!(browser.post(&scene.sandbox.url("/oauth/device"), &form).await.status, 200);

    assert_eq!(stream.event("done").await["state"], "valid");
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_the_code_and_ends_logged_in() {
    let scene = signed_out("").await;
    let login = login(&scene, &format!("--device {}", server(&scene)));
    polled(&scene, 1).await;
    scene.sandbox.answer_device(json!({"answer": "approve"})).await;
    let said = login.await.unwrap();
    assert!(said.succeeded().starts_with("Logged in to default"), "{said:?}");
    assert!(
        said.stderr.contains(&scene.sandbox.url("/oauth/device")) && said.stderr.contains("enter the code"),
        "{said:?}"
    );
    let again = super::login(&scene, "--device --json");
    polled(&scene, 1).await;
    scene.sandbox.answer_device(json!({"answer": "approve"})).await;
    let said = again.await.unwrap();
    let lines: Vec<Value> = said.succeeded().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["user_code"].is_string() && lines[1]["state"] == "valid", "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_and_a_code_that_nobody_entered_end_with_3() {
    let scene = logged_in("--expires-in 4s").await;
    for (answer, reason) in [("deny", "access_denied"), ("expire", "expired_token")] {
        let login = login(&scene, "--device");
        eventually("the code is known", async || {
            let body = format!("{{\"answer\":\"{answer}\"}}");
            (Browser::new().post(&scene.sandbox.url("/sandbox/device"), &body).await.status == 200).then_some(())
        })
        .await;
        let said = login.await.unwrap();
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.stderr.contains(reason) && said.stderr.contains("nothing was changed"), "{said:?}");
    }
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_to_be_asked_less_often_is_and_a_failing_one_is_asked_again() {
    let scene = logged_in("").await;
    let login = login(&scene, "--device");
    scene.sandbox.requests_reach(3).await;
    scene.sandbox.answer_device(json!({"answer": "slow_down"})).await;
    // A poll that was on its way counts as one before.
    let start = scene.sandbox.requests().await.len();
    scene.sandbox.requests_reach(start + 1).await;
    // One second before; six after it.
    let slowed = std::time::Instant::now();
    scene.sandbox.fault(json!({"status": 502, "body": "bad gateway"})).await;
    scene.sandbox.requests_reach(start + 2).await;
    assert!(slowed.elapsed().as_secs() >= 3, "asked again after {:?}", slowed.elapsed());
    scene.sandbox.answer_device(json!({"answer": "approve"})).await;
    login.await.unwrap().succeeded();
    assert!(scene.sandbox.requests().await.iter().all(|request| request.status != Some(429)));
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_are_understood_by_their_error_whatever_status_a_server_gives_them() {
    let scene = logged_in("").await;
    let pending = "error=authorization_pending&error_description=still+pending";
    let faults = json!([
        {"status": 200, "body": {"error": "authorization_pending"}},
        {"status": 428, "body": {"error": "authorization_pending"}},
        {"status": 200, "body": pending},
    ]);
    for (last, code, words) in [
        (json!({"status": 200, "body": {"error": "authorization_declined"}}), 3, "refused at the server"),
        (json!({"status": 403, "body": {"error": "expired_token"}}), 3, "nobody entered the code in time"),
        (
            json!({"status": 200, "body": {"error": "unauthorized_client", "error_description": "No\u{202e} device flow."}}),
            1,
            "sign in this way (unauthorized_client: No device flow)",
        ),
    ] {
        scene.sandbox.fault(faults.clone()).await;
        scene.sandbox.fault(last).await;
        let said = login(&scene, "--device").await.unwrap();
        assert!(said.code == code && said.stderr.contains(words), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_ends_the_polling() {
    let scene = logged_in("").await;
    let mut command = scene.desktop.command("login default --device");
    let mut login = Process::spawn(&mut command);
    polled(&scene, 1).await;
    // As Ctrl-C does, which a test that runs in the background would ignore.
    assert!(!login.terminate().await.success());
    eventually("nobody waits for the code any more", async || {
        scene.agent.log().contains("was cancelled").then_some(())
    })
    .await;
    scene.sandbox.is_idle().await;
    let polls = scene.sandbox.requests().await.len();
    assert_eq!(scene.sandbox.requests().await.len(), polls);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_connection_it_ends_with_4() {
    let scene = logged_in("").await;
    let Scene { sandbox, desktop, .. } = &scene;
    sandbox.fault(json!({"status": 200})).await;
    let nowhere = "http://127.0.0.1:9";
    let text = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
    let endpoint = format!("device_authorization_endpoint = \"{}\"", sandbox.url("/oauth/device_authorization"));
    assert!(text.contains(&endpoint), "{text}");
    let changed = text.replace(&endpoint, &format!("device_authorization_endpoint = \"{nowhere}/\""));
    desktop.environment.configure(&changed);
    eventually("the agent follows the file", async || {
        let said = desktop.evertoken("login default --device").await;
        (said.code == 4 && said.stderr.contains("no connection")).then_some(())
    })
    .await;
}
