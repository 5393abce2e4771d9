//! P2: one refresh at a time on this machine, however many processes ask, and whoever of them dies.

use std::fs::File;
use std::process::Command;

use futures_util::future::join_all;
use serde_json::json;

use crate::desktop::{Agent, Desktop, Outcome, Scene, effort, eventually};

/// How often a token runs out under everybody's hands, and on how many desktops at once.
const ROUNDS: (usize, usize) = (10, 50);
const LANES: usize = 5;

/// How many programs ask each time.
const CALLERS: usize = 20;

/// Tokens of 40 s may be granted every 10 s, counted from when an agent learned of the last, and are refreshed by
/// themselves after 28 s: those who ask for 26 s have something to do from the fifteenth second to the twenty-eighth.
const LIFE: &str = "--expires-in 40s";
const MIN_VALID: &str = "26";

/// Two agents on one keychain and one state folder.
struct Rivals {
    second: Agent,
    scene: Scene,
}

impl Rivals {
    async fn meet(sandbox_options: &str) -> Self {
        let mut scene = Scene::logged_in(sandbox_options).await;
        let first = scene.desktop.socket().display().to_string();
        scene.desktop.environment.set("EVERTOKEN_SOCKET", &Self::second_socket(&scene.desktop));
        // Usually the second is refused; here the account's lock alone keeps them apart.
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "two-agents");
        let second = Agent::start(&scene.desktop).await;
        scene.desktop.environment.set("EVERTOKEN_FAIL_POINT", "");
        assert_eq!(scene.desktop.until_state("default", "valid").await.agent_pid(), second.pid());
        scene.desktop.environment.set("EVERTOKEN_SOCKET", &first);
        assert_eq!(scene.desktop.status().await.agent_pid(), scene.agent.pid());
        Self { second, scene }
    }

    fn second_socket(desktop: &Desktop) -> String {
        desktop.environment.path("run/second.sock").display().to_string()
    }

    /// A command for the second agent.
    fn to_second(&self, arguments: &str) -> Command {
        let mut command = self.scene.desktop.command(arguments);
        command.env("EVERTOKEN_SOCKET", Self::second_socket(&self.scene.desktop));
        command
    }

    /// Everybody asks at once, one half here and one half there; the token that all of them got.
    async fn all_ask(&self) -> String {
        let arguments = format!("token --min-valid {MIN_VALID}s");
        let ask = |caller| match caller % 2 {
            0 => self.scene.desktop.command(&arguments),
            _ => self.to_second(&arguments),
        };
        let outcomes = join_all((0..CALLERS).map(|caller| Outcome::of(ask(caller), b""))).await;
        let tokens: Vec<_> = outcomes.iter().map(Outcome::succeeded).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]), "one token for everybody: {tokens:?}");
        tokens[0].to_owned()
    }

    /// Waits until the token does not last as long as the callers want; asks for no other.
    async fn token_runs_low(&self) {
        let call = format!("GET /v1/accounts/default/token?min_valid={MIN_VALID}");
        eventually("the token runs low", async || {
            let answer = self.scene.desktop.api(&call, "").await?;
            (answer.status != 200).then_some(())
        })
        .await;
    }
}

async fn lane(rounds: usize) {
    let rivals = Rivals::meet(&format!("{LIFE} --grace 0")).await;
    let sandbox = &rivals.scene.sandbox;
    for round in 0..rounds {
        rivals.token_runs_low().await;
        let before = sandbox.requests().await.len();
        // Every other round the endpoint is slow, so that all callers meet while the request is in flight.
        if round % 2 == 0 {
            sandbox.fault(json!({ "delay": "500ms" })).await;
        }

        let token = rivals.all_ask().await;

        let requests = sandbox.requests().await;
        assert_eq!(requests.len(), before + 1, "round {round}: one request: {:#?}", &requests[before..]);
        assert_eq!(sandbox.user_info(&token).await, 200, "round {round}");
    }
    let requests = sandbox.requests().await;
    for pair in requests.windows(2) {
        assert_eq!(pair[0].successor, pair[1].fingerprint, "the newest token is presented, and once: {requests:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_twenty_programs_and_two_agents_send_one_request_in_each_round() {
    let rounds = effort(ROUNDS.0, ROUNDS.1);
    join_all((0..LANES).map(|_| lane(rounds / LANES))).await;
}

/// Whether somebody holds the account's lock.
fn is_locked(desktop: &Desktop) -> bool {
    let file = File::open(desktop.environment.account_file("default", "lock")).unwrap();
    file.try_lock().is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_an_agent_that_dies_with_the_lock_in_its_hands_does_not_stop_the_other() {
    let mut rivals = Rivals::meet(&format!("{LIFE} --grace 1")).await;
    rivals.token_runs_low().await;
    let before = rivals.scene.sandbox.requests().await.len();
    rivals.scene.sandbox.fault(json!({ "hold": "answer" })).await;
    let doomed = rivals.scene.desktop.command(&format!("token --min-valid {MIN_VALID}s"));
    let doomed = tokio::spawn(async move { Outcome::of(doomed, b"").await });
    rivals.scene.sandbox.holds("answer").await;
    assert!(is_locked(&rivals.scene.desktop));

    let waiting = rivals.to_second(&format!("token --min-valid {MIN_VALID}s"));
    let waiting = tokio::spawn(async move { Outcome::of(waiting, b"").await });
    eventually("the second agent waits for the lock", async || {
        let status = Outcome::of(rivals.to_second("status --json"), b"").await;
        status.succeeded().contains("\"refreshing\"").then_some(())
    })
    .await;
    assert_eq!(rivals.scene.sandbox.in_flight().await, 1);
    rivals.scene.agent.kill();

    let token = waiting.await.unwrap().succeeded().to_owned();
    assert_eq!(rivals.scene.sandbox.user_info(&token).await, 200);
    doomed.await.unwrap().failed(1);
    rivals.scene.sandbox.release("answer").await;
    let requests = rivals.scene.sandbox.requests_reach(before + 2).await;
    let presented: Vec<_> = requests[before..].iter().map(|request| request.fingerprint.clone()).collect();
    assert_eq!(presented[0], presented[1], "the answer was lost, so the same token is presented once more");
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert!(statuses.iter().all(|status| matches!(status, None | Some(200))), "{requests:#?}");
    assert!(!is_locked(&rivals.scene.desktop));
    drop(rivals.second);
}
