//! P4: a token that is handed out lasts as long as was asked for, by the clock of the server that made it, or there is
//! an error and an exit code. Whatever anybody does to a clock.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::interval;

use crate::desktop::{Desktop, Faketime, Keyring, Sandbox, Scene, eventually, fingerprint};

/// Tokens of 12 s may be granted every 3 s, so that 5 s can be had at any time, also where everything takes its time.
const LIFE: &str = "--expires-in 12s --grace 0";
const ASKED: SignedDuration = SignedDuration::from_secs(5);

/// Asks for a token that lasts, and for the server's word on it. `skew`: how far the server's clock is ahead.
async fn a_token_that_lasts(desktop: &Desktop, sandbox: &Sandbox, skew: SignedDuration) -> String {
    let asked_at = Timestamp::now();
    let outcome = desktop.evertoken(&format!("token --min-valid {}s", ASKED.as_secs())).await;
    let token = outcome.succeeded().to_owned();
    let known = sandbox.token(&fingerprint(&token)).await;
    assert_eq!(known["state"], "live", "{known}");
    let end: Timestamp = known["expires_at"].as_str().unwrap().parse().unwrap();
    let lasts = (end - skew).duration_since(asked_at);
    // The sandbox says its instants in milliseconds.
    assert!(lasts + SignedDuration::from_millis(1) >= ASKED, "it lasts only {lasts} by the server's clock");
    token
}

/// A server with a wrong clock, and with a wrong `Date` in every answer.
async fn wrong_server_clock(skew: SignedDuration, date: &str) {
    let scene = Scene::signed_out(Desktop::without_screen().await, LIFE).await;
    scene.sandbox.skew_clock(&format!("{}s", skew.as_secs())).await;
    scene.sandbox.fault(json!({ "headers": { "Date": date }, "times": 1000 })).await;
    scene.desktop.login("default", &scene.sandbox).await;

    let mut tokens = HashSet::new();
    let mut pace = interval(Duration::from_millis(250));
    while tokens.len() < 4 {
        pace.tick().await;
        tokens.insert(a_token_that_lasts(&scene.desktop, &scene.sandbox, skew).await);
    }

    let requests = scene.sandbox.requests().await;
    assert!(requests.iter().all(|request| request.status == Some(200)), "{requests:#?}");
    assert!(requests.len() <= tokens.len() + 1, "{} requests for {} tokens", requests.len(), tokens.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_server_whose_clock_is_an_hour_off_or_whose_date_is_nonsense_hands_out_tokens_that_last() {
    let hour = SignedDuration::from_hours(1);
    tokio::join!(
        wrong_server_clock(hour, "Thu, 01 Jan 1970 00:00:00 GMT"),
        wrong_server_clock(-hour, "Fri, 01 Jan 2100 00:00:00 GMT"),
        wrong_server_clock(SignedDuration::ZERO, "the day before yesterday"),
    );
}

/// Waits until the server says that this token is over. Nobody asks the agent meanwhile, and its own timer does not
/// come: the token is still at hand there.
async fn is_over(sandbox: &Sandbox, token: &str) {
    eventually("the token is over", async || (sandbox.user_info(token).await == 401).then_some(())).await;
}

/// The clock of this machine is set, by so much, while the agent runs and while it does not.
async fn clock_is_set(by: SignedDuration) {
    let mut desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, LIFE).await;
    let mut clock = Faketime::of(&desktop);
    let mut agent = clock.start_agent(&mut desktop).await;
    desktop.login("default", &sandbox).await;

    for by in [by, -by, -by] {
        let before = a_token_that_lasts(&desktop, &sandbox, SignedDuration::ZERO).await;
        clock.set(by);
        a_token_that_lasts(&desktop, &sandbox, SignedDuration::ZERO).await;
        assert!(agent.log().contains("the clock was set"), "the agent did not notice");
        clock.set(by);
        is_over(&sandbox, &before).await;
        let after = a_token_that_lasts(&desktop, &sandbox, SignedDuration::ZERO).await;
        assert_ne!(before, after);
        clock.set(-by);
    }
    for by in [by, -by] {
        let before = a_token_that_lasts(&desktop, &sandbox, SignedDuration::ZERO).await;
        agent.kill();
        clock.set(by);
        is_over(&sandbox, &before).await;
        agent = clock.start_agent(&mut desktop).await;
        desktop.until("the keychain is read", |status| status.state("default") != "refreshing").await;
        a_token_that_lasts(&desktop, &sandbox, SignedDuration::ZERO).await;
    }

    let requests = sandbox.requests().await;
    assert!(requests.iter().all(|request| request.status == Some(200)), "{requests:#?}");
    assert!(requests.len() < 25, "{} requests", requests.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_clock_set_by_a_minute_a_day_or_a_year_makes_no_token_last_longer() {
    let day = SignedDuration::from_hours(24);
    tokio::join!(clock_is_set(SignedDuration::from_mins(1)), clock_is_set(day), clock_is_set(day * 365));
}

/// A virtual machine is paused: its clock jumps to the present, and the one that counts has stood still.
#[tokio::test(flavor = "multi_thread")]
async fn p4_a_machine_that_was_paused_hands_out_no_token_that_expired_meanwhile() {
    const PAUSE: SignedDuration = SignedDuration::from_hours(2);
    let mut desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, LIFE).await;
    let mut clock = Faketime::of(&desktop);
    let _agent = clock.start_agent(&mut desktop).await;
    desktop.login("default", &sandbox).await;

    sandbox.skew_clock("2h").await;
    clock.set(PAUSE);
    let token = a_token_that_lasts(&desktop, &sandbox, PAUSE).await;

    // While the answer to a refresh is on its way.
    is_over(&sandbox, &token).await;
    sandbox.fault(json!({ "hold": "answer" })).await;
    let arguments = format!("token --min-valid {}s", ASKED.as_secs());
    let (outcome, ()) = tokio::join!(desktop.evertoken(&arguments), async {
        sandbox.holds("answer").await;
        sandbox.skew_clock("4h").await;
        clock.set(PAUSE);
        sandbox.release("answer").await;
    });
    if outcome.code == 0 {
        assert_eq!(sandbox.user_info(outcome.succeeded()).await, 200, "it has expired");
    }
    eventually("a token again", async || (desktop.evertoken(&arguments).await.code == 0).then_some(())).await;
    a_token_that_lasts(&desktop, &sandbox, PAUSE * 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_asking_for_more_than_a_token_lives_is_an_error_and_causes_no_storm_of_requests() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let before = scene.sandbox.requests().await.len();

    for min_valid in ["60m", "61m", "1d", "3650d"] {
        let arguments = format!("token --min-valid {min_valid}");
        for outcome in join_all((0..10).map(|_| scene.desktop.evertoken(&arguments))).await {
            let said = outcome.failed(1);
            assert!(said.contains("this server's access tokens do not last that long; they last 1 h 0 min"), "{said}");
            assert!(said.contains("--min-valid 3570s at most") && !said.contains("try again"), "{said}");
        }
    }

    assert_eq!(scene.sandbox.requests().await.len(), before);
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}
