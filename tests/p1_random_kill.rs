//! P1: SIGKILL at random moments of a rotation. A login is lost in one case only, which no client can survive: the
//! server has spent the token, forgives nothing, and its answer was not stored yet.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{interval, timeout};

use crate::desktop::{Agent, Scene, Status, effort, eventually, note, random_share};

/// Rotations in all, and the desktops that share them.
const FORGIVING: (usize, usize) = (40, 5_000);
const UNFORGIVING: (usize, usize) = (30, 1_000);
const FORGIVING_LANES: usize = 5;
const UNFORGIVING_LANES: usize = 3;

/// The shortest life allows a refresh each second.
const LIFE: &str = "--expires-in 4s";

/// Kills begin spread over this time; where rotations take longer, because the machine is busy, the time grows.
const FIRST_SPREAD: Duration = Duration::from_millis(100);
const LONGEST_SPREAD: Duration = Duration::from_secs(2);

/// A desktop whose agent is killed again and again.
struct Lane {
    scene: Scene,
    /// How long a rotation takes: kills are spread over this time.
    spread: Duration,
    kills: usize,
}

/// What there was when the agent died.
struct Wreck {
    /// The token that the agent held, and the access token that it handed out.
    held: String,
    access_token: Option<String>,
    /// The token that the server takes now.
    live: String,
    /// The tokens in the keychain.
    stored: Vec<String>,
}

impl Lane {
    async fn begin(grace: u32) -> Self {
        let scene = Scene::logged_in(&format!("{LIFE} --grace {grace}")).await;
        Self { scene, spread: FIRST_SPREAD, kills: 0 }
    }

    /// Asks for a refresh until one begins, and kills at a random moment of it.
    async fn kill_in_a_rotation(&mut self, held: &str) {
        let moment = self.spread.mul_f64(random_share());
        let requests = self.rotations().await;
        let desktop = &self.scene.desktop;
        let mut events = UnixStream::connect(desktop.socket()).await.unwrap();
        events.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let asking = async {
            let mut pace = interval(Duration::from_millis(50));
            loop {
                pace.tick().await;
                // As long as it is too early for another grant, the agent answers at once.
                let answer = desktop.api("POST /v1/accounts/default/refresh", "{}").await;
                if answer.is_some_and(|answer| answer.body["refresh_token"]["fingerprint"] != held) {
                    return;
                }
            }
        };
        tokio::pin!(asking);
        let begun = tokio::select! {
            () = &mut asking => None,
            () = refreshes(&mut events) => Some(Instant::now()),
        };
        if let Some(begun) = begun
            && timeout(moment, asking).await.is_ok()
        {
            self.spread = begun.elapsed();
        }
        self.scene.agent.kill();
        self.kills += 1;
        self.scene.sandbox.is_idle().await;
        if self.rotations().await == requests {
            // It had not even sent its request.
            self.spread = self.spread.mul_f64(1.5).min(LONGEST_SPREAD);
        }
    }

    async fn restart(&mut self) {
        self.scene.agent = Agent::start(&self.scene.desktop).await;
    }

    /// What the kill left behind.
    async fn wreck(&self, before: &Status, access_token: Option<String>) -> Wreck {
        let requests = self.scene.sandbox.requests().await;
        let newest = requests.iter().rev().find_map(|request| request.successor.clone());
        Wreck {
            held: before.fingerprint("default"),
            access_token,
            live: newest.unwrap(),
            stored: self.scene.desktop.stored_refresh_tokens().await,
        }
    }

    async fn rotations(&self) -> usize {
        self.scene.sandbox.requests().await.len()
    }
}

/// Reads the agent's events until a rotation has begun.
async fn refreshes(events: &mut UnixStream) {
    let mut seen = Vec::new();
    let mut bytes = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("\"state\":\"refreshing\"") {
        let read = events.read(&mut bytes).await.unwrap();
        assert!(read > 0, "the agent ended by itself");
        seen.extend_from_slice(&bytes[..read]);
    }
}

async fn forgiving_lane(share: usize) {
    let mut lane = Lane::begin(1).await;
    while lane.rotations().await < share {
        let what = format!("the login lives after {} kills", lane.kills);
        let held = lane.scene.settled(&what).await.fingerprint("default");
        lane.kill_in_a_rotation(&held).await;
        lane.restart().await;
    }
    lane.scene.settled("the login lives after the last kill").await;
    lane.scene.goes_on().await;
    lane.scene.nothing_was_refused("a kill lost the login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_kill_at_any_moment_of_a_rotation_loses_no_login_where_a_lost_answer_may_be_asked_for_again() {
    let share = effort(FORGIVING.0, FORGIVING.1) / FORGIVING_LANES;
    futures_util::future::join_all((0..FORGIVING_LANES).map(|_| forgiving_lane(share))).await;
}

/// The one case that no client survives. The person is told so at once, and keeps the access token to its end.
async fn is_told_the_truth(lane: &mut Lane, wreck: &Wreck) {
    let Scene { desktop, sandbox, .. } = &lane.scene;
    let status = eventually("a person is told to log in", async || {
        let status = desktop.status_over_the_socket().await?;
        matches!(status.state("default"), "login-soon" | "login-required").then_some(status)
    })
    .await;
    if status.state("default") == "login-soon" {
        let answer = desktop.api("GET /v1/accounts/default/token?min_valid=0", "").await.unwrap();
        let kept = answer.body["access_token"].as_str().map(str::to_owned);
        // It may have ended between the two questions.
        assert!(
            kept == wreck.access_token || status.expires_in("default") <= 1,
            "the access token is kept: {answer:?}"
        );
    }
    desktop.evertoken("refresh").await.failed(3);

    let journal = desktop.journal("default");
    let stored = |line: &serde_json::Value| line["event"] == "stored" && line["fingerprint"] == wreck.live.as_str();
    assert!(!journal.iter().any(stored), "the journal says that {} was stored: {journal:#?}", wreck.live);
    let requests = sandbox.requests().await;
    let last: Vec<_> = requests.iter().rev().take(2).map(|one| (one.fingerprint.as_deref(), one.status)).collect();
    let held = Some(wreck.held.as_str());
    assert_eq!(last, [(held, Some(401)), (held, Some(200))], "one more try, and no third: {requests:#?}");
}

async fn unforgiving_lane(share: usize) -> (usize, usize) {
    let mut lane = Lane::begin(0).await;
    let mut losses = 0;
    while lane.rotations().await < share {
        let status = lane.scene.settled(&format!("the login lives after {} kills", lane.kills)).await;
        let access_token = lane.scene.desktop.token_over_the_socket("default").await;
        lane.kill_in_a_rotation(&status.fingerprint("default")).await;
        let wreck = lane.wreck(&status, access_token).await;
        lane.restart().await;
        if wreck.stored.contains(&wreck.live) {
            lane.scene.settled("the login lives: the keychain has the token that the server takes").await;
        } else {
            is_told_the_truth(&mut lane, &wreck).await;
            lane.scene.desktop.login("default", &lane.scene.sandbox).await;
            losses += 1;
        }
    }
    lane.scene.settled("the login lives after the last kill").await;
    lane.scene.goes_on().await;
    let refused = lane.scene.sandbox.requests().await.iter().filter(|one| one.status == Some(401)).count();
    assert_eq!(refused, losses, "only what nobody can survive was lost");
    (lane.kills, losses)
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_kill_loses_a_login_only_between_the_servers_commit_and_the_stored_answer_and_then_a_person_is_told() {
    let share = effort(UNFORGIVING.0, UNFORGIVING.1) / UNFORGIVING_LANES;
    let seen = futures_util::future::join_all((0..UNFORGIVING_LANES).map(|_| unforgiving_lane(share))).await;
    let (kills, losses) = seen.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    note(&format!("{kills} kills, {losses} of them where no client survives"));
    assert!(losses < kills / 2, "{losses} logins lost in {kills} kills");
}
