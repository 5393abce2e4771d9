//! `evertoken proxy`: a tool gets the API and never the access token.

use std::os::unix::fs::FileTypeExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::{Body, Method};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::desktop::{
    Authority, Canary, Desktop, Outcome, PATIENCE, Process, Proxy, Scene, System, Upstream, built, eventually, procfs,
    throughout,
};

/// Somebody is logged in, and a proxy stands before a server.
struct Stage {
    scene: Scene,
    upstream: Upstream,
    proxy: Proxy,
}

impl Stage {
    async fn set(sandbox_options: &str) -> Self {
        let scene = Scene::logged_in(sandbox_options).await;
        let upstream = Upstream::start().await;
        let proxy = Proxy::start(&scene.desktop, &format!("--allow {}", upstream.origin()));
        Self { scene, upstream, proxy }
    }

    /// Waits until the endpoint may be asked for another token: a quarter of the first one's life.
    async fn until_a_refresh_is_allowed(&self, lifetime: i64) {
        eventually("the last grant is long enough ago", async || {
            (self.scene.desktop.status().await.expires_in("default") < lifetime * 3 / 4 - 1).then_some(())
        })
        .await;
    }
}

async fn problem(response: reqwest::Response) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(response.headers()["proxy-status"].to_str().unwrap().starts_with("evertoken; error="));
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    problem
}

/// A body of a length that nobody knows.
fn stream(pieces: Vec<Bytes>) -> Body {
    let frames = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
    Body::wrap(StreamBody::new(futures_util::stream::iter(frames)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_reaches_the_resource_without_ever_holding_the_token() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let proxy = Proxy::start(&scene.desktop, &format!("--allow {}", scene.sandbox.url("")));
    let access_token = scene.desktop.token().await;

    let answer = proxy.request(Method::GET, "/v2.0/user/info").send().await.unwrap();

    assert_eq!(answer.status(), 200);
    assert!(!format!("{:?}", answer.headers()).contains(&access_token));
    assert!(answer.text().await.unwrap().contains("usr:"));
    assert_eq!(scene.sandbox.user_info(&proxy.token).await, 401, "the run's token is good for nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_arrives_as_it_was_sent_with_the_token_in_place_of_the_clients_own() {
    let Stage { scene, upstream, proxy } = Stage::set("--expires-in 1h").await;
    let answer = proxy
        .request(Method::POST, "/echo?q=a%20b&x=..%2f")
        .header("X-Custom", "kept")
        .header("Cookie", "kept=1")
        .header("Proxy-Authorization", "Basic bWluZQ==")
        .header("Connection", "X-Secret")
        .header("X-Secret", "for this hop")
        .header("TE", "trailers")
        .body("{\"a\": 1}")
        .send()
        .await
        .unwrap();

    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "{\"a\": 1}"));
    let request = upstream.take_one();
    assert_eq!(request.line, "POST /echo?q=a%20b&x=..%2f HTTP/1.1");
    assert_eq!(request.token(), scene.desktop.token().await);
    assert_eq!(request.all("host"), [upstream.host()]);
    assert_eq!(request.all("content-length"), ["8"]);
    assert_eq!((request.all("x-custom"), request.all("cookie")), (vec!["kept"], vec!["kept=1"]));
    assert_eq!(request.all("via"), ["1.1 evertoken"]);
    for gone in ["proxy-authorization", "connection", "x-secret", "te", "transfer-encoding"] {
        assert_eq!(request.all(gone), [""; 0], "{gone}");
    }
    for length in [0, 100, 100 << 10] {
        let sent = proxy.request(Method::PUT, "/upload").header("Content-Length", length).body(vec![b'x'; length]);
        assert_eq!(sent.send().await.unwrap().text().await.unwrap(), length.to_string());
        assert_eq!(upstream.take_one().all("content-length"), [length.to_string()]);
    }
    assert_eq!(proxy.get("/x").await, 200);
    assert_eq!(upstream.take_one().all("content-length"), [""; 0]);
    // A length that nobody knows, and with a GET.
    let body = stream(vec![Bytes::from("a"), Bytes::from("b")]);
    let sent = proxy.request(Method::GET, "/echo").header("Transfer-Encoding", "chunked").body(body);
    assert_eq!(sent.send().await.unwrap().text().await.unwrap(), "ab");
    assert_eq!(upstream.take_one().all("transfer-encoding"), ["chunked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_back_as_they_are_and_redirects_are_not_followed() {
    let Stage { scene: _scene, upstream, proxy } = Stage::set("--expires-in 1h").await;

    let redirect = proxy.request(Method::GET, "/redirect").send().await.unwrap();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (307, &"https://elsewhere.example/".parse().unwrap())
    );
    assert_eq!(upstream.received().len(), 1);

    let hop = proxy.request(Method::GET, "/hop").send().await.unwrap();
    assert_eq!(hop.headers()["x-yours"], "2");
    for gone in ["x-mine", "keep-alive", "upgrade", "trailer"] {
        assert!(!hop.headers().contains_key(gone), "{gone}");
    }
    let head = proxy.request(Method::HEAD, "/x").send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &"2".parse().unwrap()));

    // An answer that breaks off breaks off for the client too: it must not look whole.
    assert!(proxy.request(Method::GET, "/cut").send().await.unwrap().bytes().await.is_err());
    for (path, error) in [
        ("/close", "http_response_incomplete"),
        ("/garbage", "http_protocol_error"),
        ("/surprise", "http_upgrade_failed"),
    ] {
        let answer = proxy.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.headers()["proxy-status"], format!("evertoken; error={error}"), "{path}");
        assert_eq!(problem(answer).await["status"], 502, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_trusted_as_the_system_trusts_it() {
    let mut desktop = Desktop::without_screen().await;
    let authority = Authority::trusted_by(&mut desktop);
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let good = Upstream::start_with_tls(authority.certify("127.0.0.1", 2090)).await;
    let bad = Upstream::start_with_tls(Authority::self_signed("127.0.0.1")).await;
    let gone = Upstream::start().await.origin();
    let proxy =
        Proxy::start(&scene.desktop, &format!("--allow {} --allow {} --allow {gone}", good.origin(), bad.origin()));
    let absolute = async |origin: &str| {
        let target = format!("GET {origin}/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        proxy.say(format!("{target}Proxy-Authorization: Bearer {}\r\n\r\n", proxy.token).as_bytes()).await
    };

    assert_eq!(proxy.get("/x").await, 200);
    assert_eq!(good.take_one().token(), scene.desktop.token().await);
    let refused = absolute(&bad.origin()).await;
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("tls_certificate_error"), "{refused}");
    assert!(bad.received().is_empty());
    let refused = absolute(&gone).await;
    assert!(refused.starts_with("HTTP/1.1 502 ") && refused.contains("connection_refused"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_before_its_body_is_told_to_go_on() {
    let Stage { scene: _scene, upstream, proxy } = Stage::set("--expires-in 1h").await;
    for length in [5, 100 << 10] {
        let mut stream = proxy.connect().await;
        let head = format!(
            "PUT /upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n",
            proxy.token
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        timeout(PATIENCE, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(&vec![b'x'; length]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(&length.to_string()), "{answer}");
        assert_eq!(upstream.take_one().all("expect"), [""; 0]);
    }
}

/// A proxy as companies have one: takes a CONNECT, notes it, and connects to this server whatever was named.
async fn companys_proxy(server: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://user:secret@{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            notes.lock().unwrap().push(String::from_utf8(head).unwrap());
            let mut server = TcpStream::connect(&server).await.unwrap();
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (url, heads)
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_companys_proxy_the_token_is_inside_tls() {
    let mut desktop = Desktop::without_screen().await;
    let authority = Authority::trusted_by(&mut desktop);
    let upstream = Upstream::start_with_tls(authority.certify("vault.example", 2090)).await;
    let (url, heads) = companys_proxy(upstream.host()).await;
    desktop.environment.set("HTTPS_PROXY", &url);
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let proxy = Proxy::start(&scene.desktop, "--allow https://vault.example");

    assert_eq!(proxy.get("/x").await, 200);

    let request = upstream.take_one();
    assert_eq!(request.all("host"), ["vault.example"]);
    let head = heads.lock().unwrap().join("");
    assert!(head.starts_with("CONNECT vault.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Basic dXNlcjpzZWNyZXQ=") && !head.contains(&request.token()), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_arrives_as_it_is_written() {
    let Stage { scene: _scene, upstream, proxy } = Stage::set("--expires-in 1h").await;

    let mut events = proxy.request(Method::GET, "/events").send().await.unwrap();
    let first = timeout(PATIENCE, events.chunk()).await.expect("the first event waits for the second").unwrap();
    assert_eq!(first.unwrap(), "data: 1\n\n");
    upstream.go_on();
    assert_eq!(events.chunk().await.unwrap().unwrap(), "data: 2\n\n");
    assert_eq!(events.chunk().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_passes_both_ways_in_a_few_mebibytes() {
    const GIBIBYTE: usize = 1 << 30;
    /// In KiB: buffers of both sides, whatever the length.
    const GROWTH: u64 = 8 << 10;
    let Stage { scene: _scene, upstream: _upstream, proxy } = Stage::set("--expires-in 1h").await;
    assert_eq!(proxy.get("/x").await, 200);
    let before = proxy.peak();

    let mut answer = proxy.request(Method::GET, &format!("/download?{GIBIBYTE}")).send().await.unwrap();
    let mut read = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        read += piece.len();
    }
    assert_eq!(read, GIBIBYTE);

    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let upload = proxy.request(Method::PUT, "/upload").body(stream(vec![piece; GIBIBYTE >> 20]));
    assert_eq!(upload.send().await.unwrap().text().await.unwrap(), GIBIBYTE.to_string());
    let growth = proxy.peak() - before;
    assert!(growth < GROWTH, "grew by {growth} KiB");
}

fn handshake(proxy: &Proxy) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n\r\n",
        proxy.address(),
        proxy.token
    )
}

/// A connection after its handshake (RFC 6455 section 4.1), and the answer in lower case.
async fn web_socket(proxy: &Proxy) -> (TcpStream, String) {
    let mut stream = proxy.connect().await;
    stream.write_all(handshake(proxy).as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    (stream, String::from_utf8(head).unwrap().to_lowercase())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_goes_through_in_both_directions() {
    let Stage { scene, upstream, mut proxy } = Stage::set("--expires-in 1h").await;
    let (mut stream, head) = web_socket(&proxy).await;
    assert!(head.starts_with("http/1.1 101 ") && head.contains("upgrade: websocket"), "{head}");
    assert!(head.contains("connection: upgrade") && head.contains("x-key: abc"), "{head}");
    assert_eq!(upstream.take_one().token(), scene.desktop.token().await);

    for word in ["one", "two"] {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut echo = vec![0; word.len()];
        timeout(PATIENCE, stream.read_exact(&mut echo)).await.unwrap().unwrap();
        assert_eq!(echo, word.to_uppercase().into_bytes());
    }
    // Another protocol is not passed on: the request is answered as if nobody had asked.
    let other = handshake(&proxy)
        .replace("Upgrade: websocket", "Upgrade: h2c")
        .replace("keep-alive, Upgrade", "close, Upgrade");
    assert!(proxy.say(other.as_bytes()).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.take_one().all("upgrade"), [""; 0]);
    // A connection without an end does not keep the proxy from ending.
    assert_eq!(proxy.terminate().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let first = scene.desktop.token().await;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse(&first);
    stage.until_a_refresh_is_allowed(20).await;

    let answer = proxy.request(Method::POST, "/echo").body("again").send().await.unwrap();

    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "again"));
    let tokens: Vec<_> = upstream.received().iter().map(|request| request.token()).collect();
    assert_eq!(tokens, [first, scene.desktop.token().await]);
    assert_eq!(upstream.received()[1].body, b"again");
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refusals_at_once_cause_one_refresh() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse(&scene.desktop.token().await);
    stage.until_a_refresh_is_allowed(20).await;

    let (statuses, socket) = tokio::join!(join_all((0..63).map(|_| proxy.get("/x"))), web_socket(proxy));

    assert_eq!(statuses, vec![200; 63]);
    assert!(socket.1.starts_with("http/1.1 101 "), "{}", socket.1);
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_every_token_costs_one_refresh_and_no_more() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let before = scene.sandbox.requests().await.len();
    upstream.refuse_all();
    stage.until_a_refresh_is_allowed(20).await;

    let statuses = join_all((0..64).map(|_| proxy.get("/x"))).await;
    assert_eq!(statuses, vec![401; 64]);
    let answer = proxy.request(Method::GET, "/x").send().await.unwrap();

    assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"", "the server's own answer");
    assert_eq!(answer.text().await.unwrap(), "refused");
    assert_eq!(scene.sandbox.requests().await.len(), before + 1);
    stage.until_a_refresh_is_allowed(20).await;
    assert_eq!(proxy.get("/x").await, 401);
    assert_eq!(scene.sandbox.requests().await.len(), before + 1, "not for a token that came from a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_again_gets_its_401_and_the_next_request_a_new_token() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    upstream.refuse(&scene.desktop.token().await);
    stage.until_a_refresh_is_allowed(20).await;

    let body = stream(vec![Bytes::from("a"), Bytes::from("b")]);
    let answer = proxy.request(Method::POST, "/echo").body(body).send().await.unwrap();

    assert_eq!(answer.status(), 401);
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(upstream.take_one().body, b"ab");
    assert_eq!(proxy.get("/x").await, 200);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_log_outs_and_outages_are_followed() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 8s --grace 0").await;
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(&scene.desktop, &format!("--allow {}", upstream.origin()));
    assert_eq!(proxy.get("/x").await, 200);
    let first = upstream.take_one().token();
    scene.refresh_works("behind the proxy's back").await;
    assert_eq!(proxy.get("/x").await, 200);
    let second = upstream.take_one().token();
    assert_ne!(first, second, "nothing is kept");

    scene.sandbox.fault(json!({ "close": "before", "times": 1000 })).await;
    scene.desktop.until_state("default", "expired").await;
    let outage = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
    let agents = scene.desktop.api("GET /v1/accounts/default/token", "").await.unwrap().body;
    assert_eq!((&outage["type"], &outage["status"]), (&agents["type"], &json!(503)));
    assert_eq!(outage["type"], "urn:evertoken:try-later");

    scene.sandbox.heal().await;
    system.lose_and_find_network().await;
    eventually("requests pass again", async || (proxy.get("/x").await == 200).then_some(())).await;

    scene.desktop.evertoken("logout default").await.succeeded();
    let before = upstream.received().len();
    let outcome = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;
    assert_eq!((&outcome["type"], &outcome["status"]), (&json!("urn:evertoken:login-required"), &json!(503)));
    assert_eq!(upstream.received().len(), before);
    scene.desktop.login("default", &scene.sandbox).await;
    assert_eq!(proxy.get("/x").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_started_again_is_found_again() {
    let mut stage = Stage::set("--expires-in 1h").await;
    stage.scene.agent.kill();
    let answer = stage.proxy.request(Method::GET, "/x").send().await.unwrap();
    assert_eq!(problem(answer).await["type"], "urn:evertoken:agent-unavailable");
    stage.scene.crash_and_restart().await;
    eventually("the agent has read its keychain", async || (stage.proxy.get("/x").await == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_this_user_needs_no_token() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let path = scene.desktop.environment.path("run/made/vault.sock");
    let mut command =
        scene.desktop.command(&format!("proxy --json --allow {} --listen unix:{}", upstream.origin(), path.display()));
    let (mut process, said) = Process::spawn_until_line(&mut command, |line| serde_json::from_str::<Value>(line).ok());
    assert_eq!(said, json!({ "socket": path }));
    assert_eq!(
        (scene.desktop.environment.mode("run/made"), scene.desktop.environment.mode("run/made/vault.sock")),
        (0o700, 0o600)
    );

    let ask = async |host: &str| {
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let request = format!("GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    assert!(ask("localhost").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.take_one().token(), scene.desktop.token().await);
    assert!(ask("evil.example").await.starts_with("HTTP/1.1 403 "));

    for folder in ["", "run", "run/made", "run/made/vault.sock"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(scene.desktop.environment.path(folder), open).unwrap();
    }
    let mut nobody = scene.desktop.environment.command("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "curl", "--silent", "--unix-socket"]);
    let refused = Outcome::of(
        {
            nobody.arg(&path).arg("http://localhost/x").current_dir("/");
            nobody
        },
        b"",
    )
    .await;
    // Where this process may not become another user, `setpriv` says so.
    assert!(refused.code != 0 && refused.stdout.is_empty(), "another user behind an open door: {refused:?}");
    assert!(upstream.received().is_empty());

    let second = format!("proxy --allow {} --listen unix:{}", upstream.origin(), path.display());
    assert!(scene.desktop.evertoken(&second).await.failed(1).contains("another program listens there"));
    assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(process.terminate().await.code(), Some(0));
    assert!(!path.exists());
}

/// `evertoken proxy` before this server, with a shell script as the command.
fn with_command(scene: &Scene, upstream: &Upstream, script: &str) -> Command {
    let mut command = scene.desktop.command(&format!("proxy --allow {} --", upstream.origin()));
    command.args(["sh", "-c", script]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_finds_the_proxy_in_its_environment_and_its_exit_code_passes() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let script = "cat; curl --silent --noproxy '*' --oauth2-bearer \"$EVERTOKEN_PROXY_TOKEN\" --data given \
                  \"$EVERTOKEN_PROXY_URL/echo\"; env | grep -c VAULT_ACCESS_TOKEN; exit 7";

    let outcome = Outcome::of(with_command(&scene, &upstream, script), b"typed ").await;

    assert_eq!((outcome.code, outcome.stdout.as_str()), (7, "typed given0\n"), "{outcome:?}");
    assert_eq!(upstream.take_one().token(), scene.desktop.token().await);
    let killed = Outcome::of(with_command(&scene, &upstream, "kill -9 $$"), b"").await;
    assert_eq!(killed.code, 128 + 9);
    let missing = format!("proxy --allow {} -- no-such-command", upstream.origin());
    assert!(scene.desktop.evertoken(&missing).await.failed(127).contains("no-such-command"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reaches_the_command_and_the_proxy_ends_with_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    for (signal, name) in [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::HUP, "HUP")] {
        let script = format!("trap 'exit 9' {name}; echo ready; while :; do sleep 0.05; done");
        let mut command = with_command(&scene, &upstream, &script);
        let (mut process, ()) = Process::spawn_until_line(&mut command, |line| (line == "ready").then_some(()));
        procfs::signal(process.pid(), signal);
        assert_eq!(process.ended().await.code(), Some(9), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_in_a_terminal_reaches_the_command_once() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let home = scene.desktop.environment.path("home");
    // Not a shell: it would look at its signals only now and then, and take two for one.
    let program = "sub note { open(my $said, '>>', 'said'); print $said \"@_\\n\" }\n\
                   $SIG{INT} = sub { note('INT') };\nnote('ready');\nsleep 1 while 1;\n";
    std::fs::write(home.join("command.pl"), program).unwrap();
    let line = format!("{} proxy --allow {} -- perl command.pl", built("evertoken").display(), upstream.origin());
    let mut terminal = scene.desktop.environment.command("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut terminal =
        tokio::process::Command::from(terminal).stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let said = || std::fs::read_to_string(home.join("said")).unwrap_or_default();
    eventually("the command runs", async || (said() == "ready\n").then_some(())).await;

    // Several times, because the kernel takes two signals at nearly the same moment for one.
    let mut expected = "ready\n".to_owned();
    for _ in 0..10 {
        // The key, which the terminal turns into a signal for everybody in its foreground.
        terminal.stdin.as_mut().unwrap().write_all(b"\x03").await.unwrap();
        expected += "INT\n";
        eventually("the signal arrives", async || (said().len() >= expected.len()).then_some(())).await;
        throughout(Duration::from_millis(50), "it arrives once", async || said() == expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_finished_and_nothing_new_begins() {
    let Stage { scene: _scene, upstream, mut proxy } = Stage::set("--expires-in 1h").await;
    let held = tokio::spawn(proxy.request(Method::GET, "/hold").send());
    eventually("it is under way", async || (!upstream.received().is_empty()).then_some(())).await;

    procfs::signal(proxy.pid(), Signal::TERM);
    eventually("nobody is let in", async || TcpStream::connect(proxy.address()).await.is_err().then_some(())).await;
    upstream.go_on();

    assert_eq!(held.await.unwrap().unwrap().text().await.unwrap(), "held");
    assert_eq!(proxy.terminate().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let Stage { scene: _scene, upstream, mut proxy } = Stage::set("--expires-in 1h").await;
    let _held = tokio::spawn(proxy.request(Method::GET, "/hold").send());
    eventually("it is under way", async || (!upstream.received().is_empty()).then_some(())).await;
    procfs::signal(proxy.pid(), Signal::INT);
    eventually("the first is heeded", async || TcpStream::connect(proxy.address()).await.is_err().then_some(())).await;
    let start = std::time::Instant::now();
    assert_eq!(proxy.terminate().await.code(), Some(0));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_said_before_anything_runs() {
    let desktop = Desktop::without_screen().await;
    for (options, says) in [
        ("", "--allow"),
        ("--allow http://api.vault.ist", "without encryption"),
        ("--allow api.vault.ist", "not an origin"),
        ("--allow https://api.vault.ist/v2.0", "as a whole"),
        ("--allow https://api.vault.ist --listen 0.0.0.0:8080", "127.0.0.1"),
        ("--allow https://api.vault.ist --listen 8080", "not an address"),
    ] {
        let outcome = desktop.evertoken(&format!("proxy {options}")).await;
        assert_eq!(outcome.code, 2, "{options}: {outcome:?}");
        assert!(outcome.stderr.contains(says), "{options}: {}", outcome.stderr);
    }
    assert!(!desktop.socket().exists(), "no agent was started for it");

    let scene = Scene::signed_out(desktop, "").await;
    let allow = "--allow https://api.vault.ist";
    scene.desktop.evertoken(&format!("proxy {allow}")).await.failed(3);
    scene.desktop.login("default", &scene.sandbox).await;
    // A command without `--` before it is taken for an account.
    assert!(scene.desktop.evertoken(&format!("proxy {allow} curl")).await.failed(2).contains("curl"));
    let taken = scene.sandbox.url("").replace("http://", "");
    assert!(scene.desktop.evertoken(&format!("proxy {allow} --listen {taken}")).await.failed(1).contains("--listen"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_no_form_of_the_access_token_is_in_what_the_proxy_says() {
    let stage = Stage::set("--expires-in 20s").await;
    let Stage { scene, upstream, proxy } = &stage;
    let first = scene.desktop.token().await;
    upstream.refuse(&first);
    stage.until_a_refresh_is_allowed(20).await;
    let mut said = String::new();
    for path in ["/x?secret=in-the-query-0123456789", "/close", "/garbage", "/surprise", "/redirect"] {
        let answer = proxy.request(Method::POST, path).body("in-the-body-0123456789").send().await.unwrap();
        said += &format!("{:?}", answer.headers());
        said += &answer.text().await.unwrap();
    }
    upstream.refuse_all();
    said += &proxy.request(Method::GET, "/x").send().await.unwrap().text().await.unwrap();
    let log = proxy.log();
    assert!(log.contains("passed on"), "the log is on: {log}");
    let mut canary = Canary::new();
    canary.add("the first access token", &first);
    canary.add("the second access token", &scene.desktop.token().await);
    for (place, text) in [("an answer", &said), ("the log", &log)] {
        canary.assert_absent(place, text.as_bytes());
        for private in [&*proxy.token, "in-the-query-0123456789", "in-the-body-0123456789"] {
            assert!(!text.contains(private), "{private} in {place}: {text}");
        }
    }
    canary.assert_absent("the arguments", procfs::command_line(proxy.pid()).as_bytes());
}
