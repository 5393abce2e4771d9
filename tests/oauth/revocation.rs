//! A log-out ends the login at the server too, or says why not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use super::{logged_in, login};
use crate::desktop::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_ends_the_login_at_the_server_too() {
    let scene = logged_in("--expires-in 1h").await;
    let fingerprint = scene.desktop.status().await.fingerprint("default");
    let access_token = scene.desktop.token().await;

    let said = scene.desktop.evertoken("logout default --json").await;

    let answer: Value = serde_json::from_str(said.succeeded()).unwrap();
    assert_eq!((&answer["state"], &answer["revocation"]), (&json!("signed-out"), &json!({"confirmed": true})));
    let revocations = scene.sandbox.revocations().await;
    assert_eq!(revocations.len(), 1);
    assert_eq!((revocations[0].fingerprint.as_deref(), revocations[0].status), (Some(fingerprint.as_str()), Some(200)));
    assert_eq!(scene.sandbox.token(&fingerprint).await["state"], "revoked");
    assert_eq!(scene.sandbox.user_info(&access_token).await, 401);
    let history = scene.desktop.evertoken("history").await;
    assert!(
        history.succeeded().ends_with(&format!("the server has revoked refresh token {fingerprint}")),
        "{history:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_forgets_the_login_whatever_the_server_says_and_tells_the_truth() {
    let scene = logged_in("--expires-in 1h").await;
    for (fault, reason) in [
        (json!({"status": 503, "body": "busy"}), "try again later"),
        (json!({"status": 401, "body": "{\"error\":\"invalid_client\"}"}), "invalid_client"),
        (json!({"close": "before"}), "the connection broke"),
        (json!({"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}), "HTTP 302"),
    ] {
        scene.sandbox.fault(fault.clone()).await;
        let said = scene.desktop.evertoken("logout default").await;
        let text = said.succeeded();
        assert!(text.contains("did not confirm the revocation") && text.contains(reason), "{fault}: {text}");
        assert_eq!(scene.desktop.status().await.state("default"), "signed-out");
        assert!(scene.desktop.stored_refresh_tokens().await.is_empty(), "{fault}: forgotten here");
        login(&scene, "").await.succeeded();
    }
    let Scene { desktop, sandbox, agent: _agent, keyring: _keyring } = scene;
    drop(sandbox);
    let said = desktop.evertoken("logout default").await;
    assert!(said.succeeded().contains("did not confirm the revocation: no connection"), "{said:?}");
    assert!(desktop.stored_refresh_tokens().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_holds_a_log_out_up_for_no_longer_than_ten_seconds() {
    let scene = logged_in("--expires-in 1h").await;
    scene.sandbox.fault(json!({"hold_before_commit": "revocation"})).await;
    let begun = Instant::now();
    let is_over = AtomicBool::new(false);
    let log_out = async {
        let said = scene.desktop.evertoken("logout default").await;
        is_over.store(true, Ordering::Relaxed);
        said
    };

    let (said, ()) = tokio::join!(log_out, async {
        scene.sandbox.holds("revocation").await;
        scene.desktop.until_state("default", "signed-out").await;
        assert!(scene.desktop.stored_refresh_tokens().await.is_empty());
        assert!(!is_over.load(Ordering::Relaxed), "the login is over here while the server is still asked");
    });

    assert!(said.succeeded().contains("did not answer in time"), "{said:?}");
    let took = begun.elapsed().as_secs();
    assert!((9..20).contains(&took), "{took} s");
    scene.sandbox.release("revocation").await;
}
