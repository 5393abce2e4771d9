//! Who asked for access tokens, and who was allowed to have them.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::interval;

use crate::desktop::{Desktop, Notifications, Outcome, Scene, Schema, built, eventually};

const TITLE: &str = "A program wants a Vault token";

/// A shell that asks for a token with `evertoken`.
async fn script(desktop: &Desktop, shell: &str, evertoken: &str) -> Outcome {
    let mut command = desktop.environment.command(shell);
    // The colon keeps the shell from becoming `evertoken`.
    command.args(["-c", &format!("{} {evertoken}; code=$?; :; exit $code", built("evertoken").display())]);
    Outcome::of(command, b"").await
}

async fn accesses(desktop: &Desktop) -> Vec<Value> {
    let outcome = desktop.evertoken("access --json").await;
    let answer: Value = serde_json::from_str(outcome.succeeded()).unwrap();
    answer["accesses"].as_array().unwrap().clone()
}

fn program_of(shell: &str) -> String {
    std::fs::canonicalize(shell).unwrap().display().to_string()
}

async fn scene_with_approval() -> (Scene, Notifications) {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 23h").await;
    scene.desktop.evertoken("account set default --require-approval on").await.succeeded();
    (scene, notifications)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_knows_which_program_asked_and_not_what_it_says_of_itself() {
    let scene = Scene::logged_in("--expires-in 23h").await;
    let token = script(&scene.desktop, "/bin/sh", "token").await;
    let mut curl = scene.desktop.environment.command("curl");
    let socket = scene.desktop.socket();
    curl.args(["-s", "-A", "something else", "--unix-socket"]).arg(socket).arg("http://localhost/v1/accounts/-/token");
    Outcome::of(curl, b"").await.succeeded();

    let accesses = accesses(&scene.desktop).await;
    let programs: Vec<_> = accesses.iter().map(|access| access["program"].as_str().unwrap()).collect();
    assert_eq!(programs, [program_of("/bin/sh"), program_of("/usr/bin/curl")]);
    assert!(accesses.iter().all(|access| access["outcome"] == "granted" && access["pid"].as_u64().unwrap() > 1));
    let said = scene.desktop.evertoken("access default").await;
    assert!(said.succeeded().lines().all(|line| line.contains("got a token")), "{said:?}");
    assert!(!format!("{accesses:?}{said:?}").contains(token.succeeded()), "no token in the list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_program_waits_for_a_person_and_gets_its_token_when_allowed() {
    let (scene, notifications) = scene_with_approval().await;
    let (desktop, shell) = (&scene.desktop, program_of("/bin/sh"));

    let refused = script(desktop, "/bin/sh", "token").await;
    assert!(refused.failed(4).contains(&shell));
    let question = notifications.shown(TITLE).await;
    assert!(question.body.contains(&shell), "{question:?}");
    let waiting = script(desktop, "/bin/sh", "token --wait 30s");
    let allowed = async {
        desktop.until("it waits", |status| status.account("default")["approvals"][0] == shell.as_str()).await;
        notifications.click(&desktop.bus, &question, "Allow").await;
    };
    let (token, ()) = tokio::join!(waiting, allowed);
    assert_eq!(scene.sandbox.user_info(token.succeeded()).await, 200);
    notifications.gone().await;

    // It is asked once, and the answer outlives the agent.
    let mut scene = scene;
    scene.crash_and_restart().await;
    scene.desktop.until_state("default", "valid").await;
    script(&scene.desktop, "/bin/sh", "token").await.succeeded();
    assert!(notifications.open().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_waved_away_is_put_again_when_the_program_asks_again() {
    let (scene, notifications) = scene_with_approval().await;
    let desktop = &scene.desktop;
    script(desktop, "/bin/sh", "token").await.failed(4);
    let question = notifications.shown(TITLE).await;

    notifications.dismiss(&desktop.bus, &question).await;

    notifications.gone().await;
    script(desktop, "/bin/sh", "token").await.failed(4);
    assert!(
        notifications.open().is_empty(),
        "a program that asks all the time is no reason to ask a person all the time"
    );
    let pace = Mutex::new(interval(Duration::from_secs(1)));
    let asks_again = async || {
        pace.lock().await.tick().await;
        script(desktop, "/bin/sh", "token").await.failed(4);
        notifications.open().pop()
    };
    let question = eventually("the question is put again", asks_again).await;
    notifications.click(&desktop.bus, &question, "Allow").await;
    nobody_waits(desktop).await;
    script(desktop, "/bin/sh", "token").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_kept_is_told_and_asked_for_again() {
    let (scene, notifications) = scene_with_approval().await;
    let desktop = &scene.desktop;
    script(desktop, "/bin/sh", "token").await.failed(4);
    let question = notifications.shown(TITLE).await;
    let configuration = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
    desktop.environment.configure("no TOML");

    notifications.click(&desktop.bus, &question, "Allow").await;

    let again = notifications.says("Your answer could not be kept. The configuration cannot be used").await;
    desktop.environment.configure(&configuration);
    notifications.click(&desktop.bus, &again, "Allow").await;
    nobody_waits(desktop).await;
    script(desktop, "/bin/sh", "token").await.succeeded();
}

async fn nobody_waits(desktop: &Desktop) {
    desktop.until("nobody waits", |status| status.account("default")["approvals"].as_array().unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_question_at_a_time_and_a_denied_program_gets_nothing() {
    let (scene, notifications) = scene_with_approval().await;
    let (desktop, sh, bash) = (&scene.desktop, program_of("/bin/sh"), program_of("/bin/bash"));
    script(desktop, "/bin/sh", "token").await.failed(4);
    script(desktop, "/bin/bash", "copy").await.failed(4);
    let question = notifications.shown(TITLE).await;
    assert_eq!(notifications.open().len(), 1);
    assert!(desktop.evertoken("approve").await.failed(2).contains("Several programs are waiting"));
    notifications.click(&desktop.bus, &question, "Deny").await;
    desktop.until("the next one", |status| status.account("default")["approvals"][0] == bash.as_str()).await;
    assert!(script(desktop, "/bin/sh", "token").await.failed(1).contains("is not allowed"));

    assert!(notifications.shown(TITLE).await.body.contains(&bash));
    desktop.evertoken("approve").await.succeeded();
    notifications.gone().await;
    script(desktop, "/bin/bash", "token").await.succeeded();

    let configuration = std::fs::read_to_string(desktop.environment.configuration()).unwrap();
    assert!(configuration.contains(&format!("allowed_programs = [\"{bash}\"]")), "{configuration}");
    assert!(configuration.contains(&format!("denied_programs = [\"{sh}\"]")), "{configuration}");
    desktop.evertoken("account set default --require-approval off").await.succeeded();
    script(desktop, "/bin/sh", "token").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_let_in_and_got_nothing_is_not_said_to_have_a_token() {
    let scene = Scene::logged_in("--expires-in 23h").await;
    let desktop = &scene.desktop;
    script(desktop, "/bin/sh", "copy").await.failed(1);
    desktop.evertoken("logout default").await.succeeded();
    script(desktop, "/bin/sh", "token").await.failed(3);

    let accesses = accesses(desktop).await;
    let outcomes: Vec<_> = accesses.iter().map(|access| access["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["unavailable", "unavailable"]);
    Schema::named("access").describes(&serde_json::json!({ "accesses": accesses }));
    let said = desktop.evertoken("access default").await;
    assert!(said.succeeded().lines().all(|line| line.contains(" got no token: ")), "each says why: {said:?}");
    assert!(said.stdout.trim_end().ends_with("got no token: nobody is logged in."), "{said:?}");
}
