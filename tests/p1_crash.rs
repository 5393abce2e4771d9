//! kill -9 and lost answers at the worst moments: the login lives.

use std::time::Duration;

use serde_json::json;
use tokio::time::interval;

use crate::desktop::{Agent, Desktop, PATIENCE, Scene, effort};

/// How often the agent is killed in all, and on how many desktops at once.
const TRIES: (usize, usize) = (40, 200);
const LANES: usize = 4;

/// Places at which an agent can die: the token lies in the keychain, or only in the answer that it holds.
pub(crate) const TOKEN_AT_HAND: [&str; 4] = ["before-presented", "after-presented", "after-store", "after-stored"];
pub(crate) const ANSWER_IN_HAND: [&str; 2] = ["after-answer", "before-store"];

/// Asks for refreshes until a reader sees another access token, and kills at that very moment.
pub(crate) async fn kill_as_soon_as_a_new_token_is_seen(desktop: &Desktop, agent: &mut Agent, old: &str) -> String {
    let asking = async {
        let mut pace = interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let _ = desktop.api("POST /v1/accounts/default/refresh", "{}").await;
        }
    };
    let reading = async {
        loop {
            match desktop.token_over_the_socket("default").await {
                Some(token) if token != old => return token,
                Some(_) | None => tokio::task::yield_now().await,
            }
        }
    };
    let token = tokio::select! {
        () = asking => unreachable!("it never ends"),
        seen = tokio::time::timeout(PATIENCE, reading) => seen.unwrap(),
    };
    agent.kill();
    token
}

async fn lane(tries: usize) {
    // The shortest life allows a refresh each second; no grace: a spent token presented again ends the login.
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let mut token = scene.desktop.evertoken("token --wait 30s").await.succeeded().to_owned();
    for attempt in 0..tries {
        token = kill_as_soon_as_a_new_token_is_seen(&scene.desktop, &mut scene.agent, &token).await;
        scene.agent = Agent::start(&scene.desktop).await;
        let refused = scene.sandbox.requests().await.into_iter().find(|request| request.status != Some(200));
        assert!(refused.is_none(), "try {attempt} lost the login: {refused:?}");
    }
    let status = scene.desktop.until_state("default", "valid").await;
    let rotations = status.rotations("default");
    scene.desktop.until("one more rotation", |status| status.rotations("default") > rotations).await;
    assert!(scene.sandbox.requests().await.len() > tries);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_kill_from_the_moment_a_new_token_can_be_seen_loses_no_login() {
    let tries = effort(TRIES.0, TRIES.1);
    futures_util::future::join_all((0..LANES).map(|_| lane(tries / LANES))).await;
}

/// The agent dies at a place of its rotation, is started again, and goes on.
pub(crate) async fn dies_at(place: &str, grace: u32, desktop: Desktop) {
    let mut scene = Scene::logged_in_on(desktop, &format!("--expires-in 4s --grace {grace}")).await;
    let rotations = scene.desktop.status().await.rotations("default");
    scene.agent.kill();
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", place);
    let mut doomed = Agent::launch(&scene.desktop, &[]);
    assert!(!doomed.ended().await.success(), "it should have died at {place}");
    scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");

    scene.agent = Agent::start(&scene.desktop).await;

    let what = format!("two rotations after a death at {place}");
    scene
        .desktop
        .until(&what, |status| status.state("default") == "valid" && status.rotations("default") >= rotations + 2)
        .await;
    let refused = scene.sandbox.requests().await.into_iter().find(|request| request.status != Some(200));
    assert!(refused.is_none(), "{place}: {refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_where_the_token_is_at_hand_needs_no_mercy_of_the_server() {
    futures_util::future::join_all(TOKEN_AT_HAND.map(|place| async move {
        dies_at(place, 0, Desktop::without_screen().await).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_death_with_the_answer_in_hand_needs_the_one_retry_that_servers_grant() {
    futures_util::future::join_all(ANSWER_IN_HAND.map(|place| async move {
        dies_at(place, 1, Desktop::without_screen().await).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_kill_while_the_answer_is_on_its_way_costs_exactly_one_more_try() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 1").await;
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.fault(json!({ "hold": "answer" })).await;
    scene.sandbox.holds("answer").await;
    scene.agent.kill();
    scene.sandbox.release("answer").await;

    scene.agent = Agent::start(&scene.desktop).await;

    let status = scene.desktop.until_state("default", "valid").await;
    let requests = scene.sandbox.requests().await;
    let outcomes: Vec<_> = requests[before..].iter().map(|request| request.outcome.as_str()).collect();
    assert_eq!(outcomes.get(1), Some(&"replayed-within-grace"), "{requests:#?}");
    assert!(outcomes[2..].iter().all(|outcome| *outcome == "granted"), "{requests:#?}");
    assert_eq!(scene.sandbox.token(&status.fingerprint("default")).await["state"], "live");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_answer_that_is_cut_off_or_lost_does_not_cost_the_login() {
    for fault in [json!({ "close": "after" }), json!({ "cut_after": 20 }), json!({ "close": "before" })] {
        let scene = Scene::logged_in("--expires-in 8s --grace 1").await;
        let rotations = scene.desktop.status().await.rotations("default");
        scene.sandbox.fault(fault.clone()).await;

        scene
            .desktop
            .until(&format!("rotated after {fault}"), |status| {
                status.state("default") == "valid" && status.rotations("default") > rotations
            })
            .await;

        assert_eq!(scene.desktop.status().await.account("default")["refresh"]["failures"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_agent_that_is_asked_to_end_finishes_the_exchange_it_began() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    scene.sandbox.fault(json!({ "hold": "answer" })).await;
    scene.sandbox.holds("answer").await;
    let ended = {
        let sandbox = &scene.sandbox;
        let release = async {
            sandbox.release("answer").await;
        };
        let (status, ()) = tokio::join!(scene.agent.terminate(), release);
        status
    };
    assert!(ended.success());

    scene.agent = Agent::start(&scene.desktop).await;

    let rotations = scene.desktop.until_state("default", "valid").await.rotations("default");
    scene.desktop.until("one more rotation", |status| status.rotations("default") > rotations).await;
    assert!(scene.sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_torn_journal_line_loses_nothing() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    scene.agent.kill();
    let journal = scene.desktop.environment.account_file("default", "journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.extend_from_slice(b"{\"at\":\"2026-11-2");
    std::fs::write(&journal, bytes).unwrap();

    scene.agent = Agent::start(&scene.desktop).await;

    scene.desktop.until_state("default", "valid").await;
    assert_eq!(scene.desktop.token().await, token);
}
