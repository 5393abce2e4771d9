//! One agent for a person, however they come, and none where it is not wanted.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::desktop::{
    Agent, Behaviour, Desktop, Hang, Outcome, Process, Sandbox, Scene, Wire, built, eventually, procfs,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_socket_leads_to_the_agent_that_runs() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let first = scene.desktop.socket();
    // As cron has it: no folder of the session, so the socket would lie in the state folder.
    let mut command = scene.desktop.command("status --json");
    command.env_remove("XDG_RUNTIME_DIR").env("EVERTOKEN_SOCKET", scene.desktop.environment.path("run/other.sock"));
    let said = Outcome::of(command, b"").await;
    assert!(said.succeeded().contains(&format!("\"pid\":{}", scene.agent.pid())), "{said:?}");

    let mut agent = scene.desktop.environment.command(built("evertoken-agent"));
    agent.env("EVERTOKEN_SOCKET", scene.desktop.environment.path("run/other.sock"));
    let said = Outcome::of(agent, b"").await;
    assert!(said.failed(1).contains(&first.display().to_string()), "{said:?}");
    assert_eq!(scene.desktop.status().await.agent_pid(), scene.agent.pid());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_socket_never_starts_an_agent_here() {
    let mut desktop = Desktop::without_screen().await;
    desktop.environment.set("EVERTOKEN_START", "never");
    let said = desktop.evertoken("token").await;
    assert!(said.failed(1).contains("There is no socket"), "{said:?}");
    // What a connection of ssh that ended leaves behind.
    fs::create_dir_all(desktop.socket().parent().unwrap()).unwrap();
    drop(UnixListener::bind(desktop.socket()).unwrap());
    let said = desktop.evertoken("token").await;
    assert!(said.failed(1).contains("StreamLocalBindUnlink"), "{said:?}");
    assert!(!desktop.environment.path("state/evertoken/agent.running").exists(), "none was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_systemd_takes_the_place_of_the_one_that_runs() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let first = scene.agent.pid();
    let socket = scene.desktop.environment.path("run/activated.sock");
    let mut command = scene.desktop.environment.command("systemd-socket-activate");
    command.arg("--listen").arg(&socket);
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
        command.args(["--setenv", name]);
    }
    let activated = Process::spawn(command.arg(built("evertoken-agent")).arg("--no-tray"));
    eventually("systemd listens", async || procfs::is_listening(&socket).then_some(())).await;

    let mut token = scene.desktop.command("status --json");
    token.env("EVERTOKEN_SOCKET", &socket);
    let said = Outcome::of(token, b"").await;
    assert!(said.succeeded().contains(&format!("\"pid\":{}", activated.pid())), "{said:?}");
    assert!(!procfs::is_running(first), "one agent for the state folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_others_can_write_to_is_refused_in_words() {
    let desktop = Desktop::without_screen().await;
    let folder = desktop.environment.path("state/evertoken");
    fs::create_dir(&folder).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&folder, mode).unwrap();
    let said = Outcome::of(desktop.environment.command(built("evertoken-agent")), b"").await;
    assert!(said.failed(1).contains("chmod 700"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_socket_needs_no_home() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut command = scene.desktop.command("token");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("EVERTOKEN_SOCKET", scene.desktop.socket());
    Outcome::of(command, b"").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_said_all_gets_its_answer_every_time() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    for _ in 0..60 {
        let socket = scene.desktop.socket();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(socket).unwrap();
            stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            std::io::read_to_string(stream).unwrap()
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"valid\""), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_lock_is_held_names_the_holder_and_others_go_on() {
    let scene = Scene::logged_in("--expires-in 12s --grace 0").await;
    scene.desktop.login("other", &scene.sandbox).await;
    let lock = scene.desktop.environment.account_file("default", "lock");
    let mut holder = scene.desktop.environment.command("flock");
    holder.arg(&lock).args(["sh", "-c", "echo locked; exec sleep 999"]);
    let (holder, ()) = Process::spawn_until_line(&mut holder, |line| (line == "locked").then_some(()));

    let named = format!("(process {})", holder.pid());
    let doctor = scene.desktop.evertoken("doctor").await;
    assert!(doctor.stdout.contains(&format!("{named} holds the lock of default")), "{doctor:?}");

    scene.desktop.evertoken("token default").await.succeeded();

    scene.desktop.until_state("default", "refreshing").await;
    let refreshed = scene.desktop.evertoken("refresh default");
    let logged_out = scene.desktop.evertoken("logout default");
    let other = scene.desktop.evertoken("refresh other");
    let (refreshed, logged_out, other) = tokio::join!(refreshed, logged_out, other);
    other.succeeded();
    assert!(refreshed.failed(4).contains(&named), "{refreshed:?}");
    assert!(logged_out.failed(4).contains(&named), "{logged_out:?}");
}

/// The account's lock, held by this test.
async fn locked(scene: &Scene, account: &str) -> File {
    let held = File::open(scene.desktop.environment.account_file(account, "lock")).unwrap();
    eventually("the lock is ours", async || held.try_lock().is_ok().then_some(())).await;
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_token_has_its_bound_beside_a_held_lock() {
    let scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let held = locked(&scene, "default").await;
    scene
        .desktop
        .until("the token has expired", |status| status.state("default") != "valid" && status.has_expired("default"))
        .await;

    let begin = Instant::now();
    scene.desktop.evertoken("token --wait 2s").await.failed(4);

    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    drop(held);
    scene.goes_on().await;
}

/// Seconds of an access token. It is refreshed by itself after three quarters, and may be after one.
const LIFE: i64 = 24;

/// A refresh that waits for the account's lock, and the lock.
async fn waits_for_the_lock(scene: &Scene, account: &str) -> (JoinHandle<Outcome>, File) {
    let held = locked(scene, account).await;
    // A refresh is allowed.
    scene.desktop.until_fewer_seconds_are_left(account, LIFE * 2 / 3).await;
    let refresh = scene.desktop.command(&format!("refresh {account}"));
    let refresh = tokio::spawn(async move { Outcome::of(refresh, b"").await });
    scene.desktop.until_state(account, "refreshing").await;
    (refresh, held)
}

/// The endpoint got no more requests than before, and the next agent goes on with the login.
async fn ends_and_sends_nothing(scene: &mut Scene, before: usize) {
    assert!(scene.agent.ended().await.success());
    assert_eq!(scene.sandbox.requests().await.len(), before);
    scene.agent = Agent::start(&scene.desktop).await;
    scene.goes_on().await;
    scene.nothing_was_refused("the agent was told to end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_agent_that_is_ending_sends_no_token_that_it_could_not_wait_for() {
    let mut scene = Scene::logged_in(&format!("--expires-in {LIFE}s --grace 0")).await;
    let sent = scene.sandbox.requests().await.len();
    let (refresh, held) = waits_for_the_lock(&scene, "default").await;

    scene.agent.is_told_to_end().await;
    drop(held);

    ends_and_sends_nothing(&mut scene, sent).await;
    let said = refresh.await.unwrap();
    assert!(said.failed(1).contains("the agent is ending"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_agent_that_is_told_to_end_while_a_disk_hangs_sends_no_token_afterwards() {
    let mut scene = Scene::logged_in(&format!("--expires-in {LIFE}s --grace 0")).await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    let Some(hang) = Hang::of(&scene.desktop, &scene.agent, "fdatasync", &journal).await else { return };
    let sent = scene.sandbox.requests().await.len();
    hang.has_begun().await;

    scene.agent.is_told_to_end().await;
    drop(hang);

    ends_and_sends_nothing(&mut scene, sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_account_that_is_removed_by_hand_hears_so_and_from_an_agent_that_goes_on() {
    let scene = Scene::logged_in(&format!("--expires-in {LIFE}s")).await;
    scene.desktop.login("other", &scene.sandbox).await;
    let (refresh, _held) = waits_for_the_lock(&scene, "other").await;
    let text = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();

    scene.desktop.environment.configure(text.split_once("[accounts.other]").unwrap().0);

    let said = refresh.await.unwrap();
    assert!(said.failed(2).contains("The account was removed."), "{said:?}");
    scene.desktop.evertoken("token default").await.succeeded();
}

/// A client that has asked, and reads no answer.
fn asking(desktop: &Desktop, request: &str) -> UnixStream {
    let mut stream = UnixStream::connect(desktop.socket()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_that_hang_and_whose_callers_have_gone_stop_nobody() {
    let scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let other = Sandbox::start(&scene.desktop, "--expires-in 4s --grace 0").await;
    let hanging = Wire::start(Behaviour::Hangs).await;
    scene.desktop.login("other", &other).await;
    let body =
        json!({ "credential": "a-token-of-somebody", "settings": { "endpoint": hanging.endpoint() } }).to_string();
    let request = format!(
        "POST /v1/accounts/default/login HTTP/1.1\r\nHost: evertoken\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let callers: Vec<_> = (0..600).map(|_| asking(&scene.desktop, &request)).collect();
    eventually("a log-in hangs", async || (hanging.connections() > 0).then_some(())).await;
    drop(callers);

    let rotations = scene.desktop.status().await.rotations("other");
    scene.desktop.until("the other account goes on", |status| status.rotations("other") >= rotations + 2).await;
    scene.desktop.evertoken("status").await.succeeded();
    assert!(hanging.presented().len() <= 2, "callers who have gone present nothing: {}", hanging.presented().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_that_is_one_too_many_is_refused_at_once_and_others_go_on() {
    const MOST: usize = 16;
    let scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    let other = Sandbox::start(&scene.desktop, "--expires-in 4s --grace 0").await;
    scene.desktop.login("other", &other).await;
    let hanging = Wire::start(Behaviour::Hangs).await;
    let body = json!({ "credential": "a-token", "settings": { "endpoint": hanging.endpoint() } }).to_string();
    let log_in = "POST /v1/accounts/default/login";

    let callers = (0..=MOST).map(|_| Box::pin(scene.desktop.api(log_in, &body)));
    let (answer, _, waiting) = select_all(callers).await;

    let refused = answer.unwrap();
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("urn:evertoken:try-later")), "{}", refused.body);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("{MOST} log-ins of default")), "{detail}");
    assert_eq!(waiting.len(), MOST);
    scene.desktop.evertoken("token default").await.succeeded();
}
