//! P5: the socket is for programs of this person. Whatever else knocks is refused, and nobody else notices.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{interval, timeout};

use crate::desktop::{Agent, Desktop, Outcome, PATIENCE, Process, Scene, built, eventually, note};

/// A user that every system has and nobody logs in as.
const NOBODY: &str = "--reuid=65534";
/// Reads from memory take a millisecond; on a busy machine, in a debug build and beside a thousand others, more.
const PROMPT: Duration = Duration::from_secs(2);

/// What `curl` as another user gets from the socket: its exit code and what it says; `None` where this process may not
/// become another user.
pub(crate) async fn as_another_user(desktop: &Desktop) -> Option<Outcome> {
    let socket = desktop.socket().display().to_string();
    let url = "http://localhost/v1/accounts/default/token";
    let mut command = desktop.environment.command("setpriv");
    command.args([NOBODY, "--regid=65534", "--clear-groups", "curl", "--silent", "--show-error", "--max-time", "20"]);
    command.args(["--unix-socket", &socket, url]).current_dir("/");
    let outcome = Outcome::of(command, b"").await;
    if outcome.stderr.contains("setresuid") || outcome.stderr.contains("not permitted") {
        note("left out: this process may not become another user (run the tests as root)");
        return None;
    }
    Some(outcome)
}

/// Lets everybody through to this desktop's socket.
pub(crate) fn open_every_door(desktop: &Desktop) {
    let open = |path: std::path::PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for folder in ["", "run", "run/evertoken"] {
        open(desktop.environment.path(folder), 0o755);
    }
    open(desktop.socket(), 0o666);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_another_user_is_refused_by_the_folder_and_behind_it_by_the_agent() {
    /// curl: cannot connect, or was closed before it looked; the server closed without an answer; it broke off.
    const CLOSED: [i32; 3] = [7, 52, 56];
    const REFUSED: &str = "another user was refused";
    let scene = Scene::logged_in("--expires-in 1h").await;
    // The whole way to the folder is open, so that it is the agent's own folder that refuses.
    for folder in ["", "run"] {
        fs::set_permissions(scene.desktop.environment.path(folder), Permissions::from_mode(0o755)).unwrap();
    }
    let Some(outcome) = as_another_user(&scene.desktop).await else { return };
    assert!(CLOSED.contains(&outcome.code) && outcome.stdout.is_empty(), "the folder refuses: {outcome:?}");
    assert!(!scene.agent.log().contains(REFUSED), "it came as far as the agent");

    open_every_door(&scene.desktop);
    let outcome = as_another_user(&scene.desktop).await.unwrap();
    assert!(CLOSED.contains(&outcome.code) && outcome.stdout.is_empty(), "the agent refuses: {outcome:?}");
    assert!(scene.agent.log().contains(REFUSED));

    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200, "its own user still gets in");
}

/// Sends bytes as they are, and reads the whole answer.
async fn send(desktop: &Desktop, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(desktop.socket()).await.unwrap();
    // An agent that has heard enough may close before everything was said.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer or a closed connection");
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn is_a_problem_or_closed(request: &str, answer: &str) {
    /// What the agent reads whole, and so can answer before it closes.
    const SMALL: usize = 10_000;
    let shown: String = request.chars().take(80).collect();
    if answer.is_empty() {
        let is_http = request.contains("HTTP/1.1\r\n") && request.contains("Connection: close\r\n");
        assert!(!is_http || request.len() > SMALL, "no answer: {shown}");
        return;
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    assert!(head.starts_with("HTTP/1.1 4"), "{shown}: {answer}");
    // What is not even HTTP is refused before anything of ours sees it.
    if !body.is_empty() {
        assert!(head.to_lowercase().contains("application/problem+json"), "{shown}: {answer}");
    }
    assert!(!body.contains("eyJ"), "{shown}: {answer}");
}

/// Reads tokens all the time while `others` do what they do; says how long the slowest read took.
async fn undisturbed_by<T>(desktop: &Desktop, others: impl Future<Output = T>) -> (T, usize, Duration) {
    let token = desktop.token_over_the_socket("default").await.unwrap();
    let (mut reads, mut slowest) = (0, Duration::ZERO);
    let reading = async {
        let mut pace = interval(Duration::from_millis(20));
        loop {
            pace.tick().await;
            let begin = Instant::now();
            let read = desktop.token_over_the_socket("default").await;
            assert_eq!(read.as_deref(), Some(token.as_str()), "another program's read failed");
            slowest = slowest.max(begin.elapsed());
            reads += 1;
        }
    };
    let done = tokio::select! {
        () = reading => unreachable!("it never ends"),
        done = others => done,
    };
    assert!(slowest < PROMPT, "a read took {slowest:?}");
    (done, reads, slowest)
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_nonsense_of_one_program_gets_a_problem_and_no_other_program_notices() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let login = "/v1/accounts/default/login";
    let deep = "[".repeat(100_000);
    let mut requests = vec![
        post(login, "{"),
        post(login, "null"),
        post(login, "[]"),
        post(login, "[\"a-token\"]"),
        post("/v1/accounts", "[\"by-position\"]"),
        post(login, "{\"credential\":null}"),
        post(login, "{\"credential\":\"x\",\"credential\":\"y\"}"),
        post(login, "{\"credential\":\"x\",\"unknown\":1}"),
        post(login, &format!("{{\"credential\":{deep}")),
        post(login, &format!("{{\"credential\":\"{}\"}}", "x".repeat(1 << 20))),
        post("/v1/accounts/default/refresh", "{\"min_valid\":-1}"),
        post("/v1/accounts/default/refresh", "{\"min_valid\":1e400}"),
        post("/v1/accounts", "{\"name\":\"\\u0000\"}"),
        post("/v1/accounts", "{\"name\":\"../../../../tmp/x\"}"),
        post("/v2/accounts/default/refresh", "{}"),
        format!("POST {login} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"),
        format!("POST {login} HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{{}}"),
        format!("POST {login} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        format!("POST {login} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
        format!("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET /v1/status HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(10_000)),
        "GET /v1/status HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "BREW /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(),
    ];
    for path in [
        "/v0/status",
        "/v2/status",
        "/v1/status/../accounts/default/token",
        "/v1//accounts//default//token",
        "//v1/accounts/default/token",
        "/v1/accounts/%2e%2e/token",
        "/v1/accounts/..%2f..%2fetc%2fpasswd/history",
        "/v1/accounts/default%00/token",
        "/v1/accounts/default/refresh_token",
        "/v1/accounts/default/token?min_valid=-1",
        "/v1/accounts/default/token?min_valid=99999999999999999999",
        "/V1/accounts/default/token",
        "/v1/accounts/%ff/token",
    ] {
        requests.push(get(path));
    }
    let long_path = get(&format!("/v1/accounts/{}/token", "a".repeat(60_000)));
    requests.push(long_path);

    let all = async {
        for request in &requests {
            is_a_problem_or_closed(request, &send(&scene.desktop, request.as_bytes()).await);
        }
    };
    undisturbed_by(&scene.desktop, all).await;

    let status = scene.desktop.status().await;
    assert_eq!((status.state("default"), status.names().len()), ("valid", 1));
    assert_eq!(scene.sandbox.requests().await.len(), 1, "nothing of that reached the endpoint");
}

/// What a stuck or hostile program says before it says nothing more.
const BEGINNINGS: [&str; 5] = [
    "",
    "GET /v1/status HT",
    "POST /v1/accounts/default/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{\"credential\":\"",
    "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n",
];

async fn open_connections(desktop: &Desktop, count: usize) -> Vec<UnixStream> {
    let mut open = Vec::new();
    for number in 0..count {
        let mut stream = UnixStream::connect(desktop.socket()).await.unwrap();
        let _ = stream.write_all(BEGINNINGS[number % BEGINNINGS.len()].as_bytes()).await;
        open.push(stream);
    }
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_thousand_open_connections_of_one_program_are_not_noticed_by_another() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let all = async {
        let open = open_connections(&scene.desktop, 1_000).await;
        for _ in 0..10 {
            scene.desktop.evertoken("status --json").await.succeeded();
        }
        open
    };
    let (open, reads, slowest) = undisturbed_by(&scene.desktop, all).await;
    note(&format!("{reads} reads beside 1,000 connections, the slowest in {slowest:?}"));

    drop(open);
    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_an_agent_that_may_open_few_files_keeps_some_for_the_login_whoever_connects() {
    let mut scene = Scene::logged_in("--expires-in 4s").await;
    scene.agent.kill();
    // As some systems do it for every program; 1,024 is the usual number.
    let mut command = scene.desktop.environment.command("prlimit");
    command.arg("--nofile=256:256").arg(built("evertoken-agent"));
    let _few_files = Process::spawn(&mut command);
    let listens = async || UnixStream::connect(scene.desktop.socket()).await.ok();
    eventually("the agent's socket answers", listens).await;
    scene.settled("it has found the login").await;

    // Each follows the events, so that the agent has no reason to give it up.
    let mut open = Vec::new();
    for _ in 0..300 {
        let Ok(mut stream) = UnixStream::connect(scene.desktop.socket()).await else { break };
        let _ = stream.write_all(BEGINNINGS[3].as_bytes()).await;
        open.push(stream);
    }
    let rotations = scene.sandbox.requests().await.len();
    scene.sandbox.requests_reach(rotations + 3).await;

    drop(open);
    scene.settled("the login lives").await;
    scene.nothing_was_refused("hundreds of connections").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_client_that_stops_in_the_middle_is_given_up() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    for beginning in &BEGINNINGS[..3] {
        let answer = send(&scene.desktop, beginning.as_bytes()).await;
        is_a_problem_or_closed(beginning, &answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_web_page_that_reaches_the_socket_through_a_forwarder_is_refused() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let sent = scene.sandbox.requests().await.len();
    let ask = async |call: &str, host: &str, more: &str| {
        let request = format!("{call} HTTP/1.1\r\n{host}{more}Connection: close\r\nContent-Length: 0\r\n\r\n");
        send(&scene.desktop, request.as_bytes()).await
    };
    let token = "GET /v1/accounts/default/token";
    for (host, more) in [
        ("Host: localhost\r\n", "Origin: https://vault.example\r\n"),
        ("Host: localhost\r\n", "Origin: null\r\n"),
        ("Host: localhost\r\n", "Sec-Fetch-Site: cross-site\r\n"),
        ("Host: evil.example\r\n", ""),
        ("Host: localhost.evil.example:8080\r\n", ""),
        ("Host: localhost\r\nHost: evil.example\r\n", ""),
    ] {
        for call in [token, "POST /v1/accounts/default/refresh", "POST /v1/accounts/default/logout", "GET /v1/nothing"]
        {
            let answer = ask(call, host, more).await;
            let is_refused = answer.starts_with("HTTP/1.1 403") || answer.starts_with("HTTP/1.1 400");
            assert!(is_refused, "{call} {host}{more}: {answer}");
            is_a_problem_or_closed(host, &answer);
        }
    }
    let absolute = ask("GET http://evil.example/v1/accounts/default/token", "Host: localhost\r\n", "").await;
    assert!(absolute.starts_with("HTTP/1.1 403"), "{absolute}");
    assert_eq!(scene.sandbox.requests().await.len(), sent);

    for host in ["Host: localhost\r\n", "Host: evertoken\r\n", "Host: localhost:8080\r\n", "Host:\r\n"] {
        let answer = ask(token, host, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "programs of this machine get in: {host}: {answer}");
    }
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_the_socket_comes_back_closed_to_others_after_somebody_opened_it() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    open_every_door(&scene.desktop);

    scene.agent = {
        scene.agent.kill();
        Agent::start(&scene.desktop).await
    };

    assert_eq!(scene.desktop.environment.mode("run/evertoken/agent.sock"), 0o600);
    let Some(outcome) = as_another_user(&scene.desktop).await else { return };
    assert_ne!(outcome.code, 0, "{outcome:?}");
}
