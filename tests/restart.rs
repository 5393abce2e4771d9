//! Restarts: of the agent, of the session, of the keyring.

use serde_json::json;

use crate::desktop::{Agent, Desktop, Keyring, Sandbox, Scene, Status, eventually, procfs};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_while_the_token_is_good_sends_nothing_and_the_token_is_there_at_once() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    let before = scene.sandbox.requests().await.len();

    assert!(scene.agent.terminate().await.success());
    scene.agent = Agent::start(&scene.desktop).await;
    assert_eq!(scene.desktop.token().await, token);
    scene.crash_and_restart().await;
    assert_eq!(scene.desktop.token().await, token);

    assert_eq!(scene.sandbox.requests().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_what_the_server_asked_to_wait_is_waited_by_the_next_agent_too() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let asks_to_wait = json!({ "status": 429, "headers": { "Retry-After": "600" } });
    scene.sandbox.fault(asks_to_wait).await;
    let said = "try again later";
    let is_told = |status: &Status| status.account("default")["refresh"]["last_error"].to_string().contains(said);
    scene.desktop.until("the server asks to wait", is_told).await;
    scene.sandbox.heal().await;
    let sent = scene.sandbox.requests().await.len();

    for _ in 0..2 {
        scene.crash_and_restart().await;
        scene.desktop.until_state("default", "expired").await;
        let text = scene.desktop.evertoken("refresh").await;
        assert!(text.failed(4).contains(said), "{text:?}");
        scene.desktop.evertoken("token").await.failed(4);
    }
    assert_eq!(scene.sandbox.requests().await.len(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_starts_the_agent_by_itself_and_leaves_it_running() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "").await;

    desktop.login("default", &sandbox).await;
    let first = desktop.status().await.agent_pid();
    assert_eq!(sandbox.user_info(&desktop.token().await).await, 200);

    assert_eq!(desktop.status().await.agent_pid(), first, "one agent serves all commands");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_status_after_a_start_tells_how_the_login_is() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    desktop.login("default", &sandbox).await;
    for _ in 0..5 {
        procfs::signal(desktop.status().await.agent_pid(), rustix::process::Signal::KILL);
        eventually("nobody listens", async || desktop.api("GET /v1/status", "").await.is_none().then_some(())).await;
        let first = desktop.evertoken("status --json").await.succeeded().to_owned();
        let report: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(report["accounts"][0]["state"], "valid", "{report:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_commands_at_once_start_one_agent() {
    let desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    twenty_commands_start_one_agent(&desktop).await;
}

/// All of them are answered by the same one.
pub(crate) async fn twenty_commands_start_one_agent(desktop: &Desktop) {
    let statuses = futures_util::future::join_all((0..20).map(|_| desktop.status())).await;

    let pids: std::collections::HashSet<_> = statuses.iter().map(crate::desktop::Status::agent_pid).collect();
    assert_eq!(pids.len(), 1, "{pids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_survives_a_new_session_whose_keyring_is_unlocked_late() {
    let Scene { mut agent, sandbox, keyring, desktop } = Scene::logged_in("--expires-in 1h").await;
    let token = desktop.token().await;
    let before = sandbox.requests().await.len();
    agent.kill();
    keyring.kill();

    let keyring = Keyring::start_locked(&desktop).await;
    let _agent = Agent::start(&desktop).await;
    desktop.until_state("default", "keychain-unavailable").await;
    desktop.evertoken("token").await.failed(5);
    keyring.unlock().await;

    desktop.until_state("default", "valid").await;
    assert_eq!(desktop.token().await, token);
    assert_eq!(sandbox.requests().await.len(), before, "a locked keyring is no reason to rotate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_keyring_daemon_is_used_again_without_a_restart_of_the_agent() {
    let Scene { agent: _agent, sandbox, keyring, desktop } = Scene::logged_in("--expires-in 4s").await;

    keyring.kill();
    let _keyring = Keyring::start(&desktop).await;

    let rotations = desktop.status().await.rotations("default");
    desktop
        .until("two more rotations", |status| {
            status.state("default") == "valid" && status.rotations("default") >= rotations + 2
        })
        .await;
    assert!(sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_that_were_refused_leave_nothing_behind() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let journals = |scene: &Scene| {
        let files = std::fs::read_dir(scene.desktop.environment.path("state/evertoken")).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|kind| kind == "journal")).count()
    };
    let before = journals(&scene);
    for _ in 0..3 {
        scene.desktop.login_with("another", &scene.sandbox, "not-a-refresh-token").await.failed(3);
    }
    assert!(journals(&scene) > before, "a log-in writes a journal");

    scene.agent.terminate().await;
    scene.agent = Agent::start(&scene.desktop).await;
    eventually("the journals of refused log-ins are gone", async || (journals(&scene) == before).then_some(())).await;
    scene.desktop.token().await;
}
