//! P1: a disk that is read-only, full or forgot the end of the journal costs no login. What cannot be written down is
//! not sent.

use std::fs;
use std::io::Write;

use serde_json::json;

use crate::desktop::{Agent, Disk, Scene, effort, fingerprint, random_share};

/// Where the journals and locks are, and how large their disk is, in KiB.
const STATE: &str = "state/evertoken";
const SIZE: usize = 64;

/// Ten seconds lie between two grants, and a token outlives what is done to the disk.
const LIFE: &str = "--expires-in 40s --grace 0";

/// How many offsets of a journal's last lines are tried on one desktop, of about 400.
const CUTS: (usize, usize) = (12, 1_000);
const LANES: usize = 4;

async fn logged_in_with_a_disk_of_its_own(options: &str) -> Option<(Scene, Disk)> {
    let desktop = crate::desktop::Desktop::without_screen().await;
    let disk = Disk::over(&desktop, STATE, SIZE)?;
    Some((Scene::logged_in_on(desktop, options).await, disk))
}

/// No byte fits any more, not even into the journal's last page.
fn fill(scene: &Scene, disk: &Disk) {
    disk.fill();
    let mut journal =
        fs::OpenOptions::new().append(true).open(scene.desktop.environment.account_file("default", "journal")).unwrap();
    while journal.write(b"\n").is_ok_and(|written| written > 0) {}
}

/// Nothing is sent, and the access token is still given out.
async fn nothing_is_sent(scene: &Scene, why: &str) {
    let token = scene.desktop.token().await;
    let sent = scene.sandbox.requests().await.len();
    let outcome = scene.refresh_fails(why).await;
    assert!(matches!(outcome.code, 1 | 4), "{why}: {outcome:#?}");
    let said = outcome.failed(outcome.code).to_lowercase();
    assert!(["state folder", "journal", "written", "space"].iter().any(|word| said.contains(word)), "{why}: {said}");
    assert_eq!(scene.sandbox.requests().await.len(), sent, "{why}: what cannot be written down is not sent");
    assert_eq!(scene.desktop.token().await, token, "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_read_only_state_folder_stops_the_refresh_and_not_the_login() {
    let Some((mut scene, disk)) = logged_in_with_a_disk_of_its_own(LIFE).await else { return };
    disk.make_read_only();

    nothing_is_sent(&scene, "read-only").await;
    // Also for an agent that finds it so when it starts.
    scene.crash_and_restart().await;
    nothing_is_sent(&scene, "read-only since the start").await;

    disk.make_writable();
    scene.refresh_works("once the disk can be written").await;
    scene.nothing_was_refused("read-only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_full_disk_stops_the_refresh_and_not_the_login() {
    let Some((mut scene, disk)) = logged_in_with_a_disk_of_its_own(LIFE).await else { return };
    fill(&scene, &disk);

    nothing_is_sent(&scene, "full").await;
    scene.crash_and_restart().await;
    nothing_is_sent(&scene, "full since the start").await;

    disk.empty();
    scene.refresh_works("once there is space").await;
    scene.crash_and_restart().await;
    scene.settled("the login lives").await;
    scene.nothing_was_refused("full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_log_out_on_a_full_disk_that_says_that_the_login_is_kept_keeps_it() {
    let Some((mut scene, disk)) = logged_in_with_a_disk_of_its_own(LIFE).await else { return };
    let token = scene.desktop.token().await;
    fill(&scene, &disk);

    let said = scene.desktop.evertoken("logout default").await;
    assert!(said.failed(1).contains("the login is kept"), "{said:?}");
    assert_eq!(scene.desktop.token().await, token);
    scene.crash_and_restart().await;
    scene.settled("the login is still there").await;
    assert_eq!(scene.desktop.token().await, token);

    disk.empty();
    scene.refresh_works("once there is space").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    scene.crash_and_restart().await;
    scene.desktop.until_state("default", "signed-out").await;
    assert!(scene.desktop.stored_refresh_tokens().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_disk_that_fills_up_while_the_answer_is_on_its_way_does_not_cost_the_login() {
    let Some((mut scene, disk)) = logged_in_with_a_disk_of_its_own(LIFE).await else { return };
    scene.sandbox.fault(json!({ "hold": "answer" })).await;
    let refresh = scene.refresh_works("whose answer is waited for");
    let fill_meanwhile = async {
        scene.sandbox.holds("answer").await;
        fill(&scene, &disk);
        scene.sandbox.release("answer").await;
    };
    tokio::join!(refresh, fill_meanwhile);
    let token = scene.desktop.token().await;
    let sent = scene.sandbox.requests().await.len();

    // The journal ends with `presented`; the keychain knows better.
    assert_eq!(scene.desktop.journal("default").last().unwrap()["event"], "presented");
    scene.crash_and_restart().await;

    scene.settled("the login lives").await;
    assert_eq!(scene.desktop.token().await, token);
    disk.empty();
    scene.crash_and_restart().await;
    scene.settled("the login lives").await;
    assert_eq!(scene.sandbox.requests().await.len(), sent, "nothing was presented again");
    scene.nothing_was_refused("a full disk").await;
}

/// Cuts a journal at these places, and starts the agent with what is left.
async fn live_with_a_torn_journal(scene: &mut Scene, cuts: &[usize]) {
    let journal = scene.desktop.environment.account_file("default", "journal");
    scene.agent.kill();
    let whole = fs::read(&journal).unwrap();
    let held = scene.desktop.stored_refresh_tokens().await;
    let sent = scene.sandbox.requests().await.len();
    for cut in cuts.iter().map(|back| whole.len().saturating_sub(*back)) {
        fs::write(&journal, &whole[..cut]).unwrap();
        scene.agent = Agent::start(&scene.desktop).await;
        let status = scene.settled(&format!("the login lives with {cut} of {} bytes", whole.len())).await;
        assert!(held.contains(&status.fingerprint("default")), "cut at {cut}");
        assert_eq!(scene.sandbox.requests().await.len(), sent, "a torn journal is no reason to send, cut at {cut}");
        scene.agent.kill();
    }
    scene.agent = Agent::start(&scene.desktop).await;
    scene.nothing_was_refused("a torn journal").await;
}

/// Offsets from the end of a journal's last lines: every one, or a sample that is other with each run.
fn cuts(length: usize) -> Vec<usize> {
    let count = effort(CUTS.0, CUTS.1);
    if count >= length {
        return (0..=length).collect();
    }
    (0..count).map(|part| ((part as f64 + random_share()) * length as f64 / count as f64) as usize).collect()
}

async fn torn_lane(lane: usize) {
    let mut scene = Scene::logged_in("--expires-in 2m --grace 0").await;
    // The last line, the last three, all: each lane looks more closely at another part.
    let length = fs::metadata(scene.desktop.environment.account_file("default", "journal")).unwrap().len() as usize;
    let part = [length.min(130), length.min(330), length, length][lane];
    live_with_a_torn_journal(&mut scene, &cuts(part)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_journal_that_is_torn_at_any_byte_does_not_cost_the_login() {
    futures_util::future::join_all((0..LANES).map(torn_lane)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_journal_torn_at_any_byte_of_the_note_that_a_token_was_presented_does_not_cost_the_login() {
    for back in [0, 1, 40, 80] {
        let mut scene = Scene::logged_in("--expires-in 4s --grace 1").await;
        scene.sandbox.fault(json!({ "hold": "answer" })).await;
        scene.sandbox.holds("answer").await;
        scene.agent.kill();
        scene.sandbox.release("answer").await;
        scene.sandbox.is_idle().await;
        let journal = scene.desktop.environment.account_file("default", "journal");
        let whole = fs::read(&journal).unwrap();
        fs::write(&journal, &whole[..whole.len() - back]).unwrap();

        scene.agent = Agent::start(&scene.desktop).await;

        scene.settled(&format!("the login lives without the last {back} bytes")).await;
        scene.nothing_was_refused("a torn journal").await;
    }
}

#[test]
fn p1_fingerprints_here_are_those_of_the_product() {
    assert_eq!(fingerprint("abc"), evertoken_core::oauth::token::Fingerprint::of("abc").to_string());
}
