//! Windows tells programs by messages that the machine falls asleep and wakes up.

use serde_json::json;

use super::logged_in;
use crate::accounts::slept;
use crate::desktop::eventually;

/// The window that hears them.
const WINDOW: &str = "EvertokenPower";

#[tokio::test(flavor = "multi_thread")]
async fn waking_up_brings_another_attempt_at_once_and_the_history_tells_of_the_sleep() {
    let scene = logged_in("--expires-in 4s --grace 0").await;
    // After an answer that is no endpoint's, the agent by itself would wait a minute.
    for _ in 0..20 {
        scene.sandbox.fault(json!({ "status": 302 })).await;
    }
    let words = "the endpoint answered something unexpected (HTTP 302)";
    let is_told = |status: &crate::desktop::Status| {
        status.account("default")["refresh"]["last_error"].to_string().contains(words)
    };
    scene.desktop.until("the odd answer", is_told).await;
    scene.sandbox.heal().await;
    scene.desktop.until("it has expired", |status| status.has_expired("default")).await;

    scene.desktop.at_the_desk(&["sleep", WINDOW]).await.succeeded();
    scene.desktop.at_the_desk(&["wake", WINDOW]).await.succeeded();

    scene.desktop.until_state("default", "valid").await;
    eventually("the sleep is noted", async || slept(&scene.desktop).await.pop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_stopped_in_order_by_its_own_command() {
    let mut scene = logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;

    let said = scene.desktop.evertoken("agent stop").await;

    assert!(said.succeeded().contains("The agent has stopped."), "{said:?}");
    assert!(scene.agent.ended().await.success());
    assert_eq!(scene.desktop.token().await, token, "the next command starts an agent that finds the login");
}
