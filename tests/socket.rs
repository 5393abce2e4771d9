//! The local API, as a careless or hostile program of the same person uses it.

use crate::desktop::{Desktop, Scene, Schema, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_a_problem_and_change_nothing() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let long_body = format!("{{\"credential\":\"{}\"}}", "x".repeat(3_000_000));
    for (call, body, status) in [
        ("GET /v1/nothing", "", 404),
        ("GET /v2/status", "", 404),
        ("GET /v1/accounts/default/refresh_token", "", 404),
        ("GET /v1/accounts/nobody/token", "", 404),
        ("GET /v1/accounts/default/token?min_valid=soon", "", 400),
        ("GET /v1/accounts/..%2Fdefault/token", "", 400),
        ("DELETE /v1/status", "", 404),
        ("POST /v1/accounts/default/login", "{", 400),
        ("POST /v1/accounts/default/login", "{\"credential\":7}", 400),
        ("POST /v1/accounts/default/login", &long_body, 413),
        ("POST /v1/accounts", "{\"name\":\"../../x\"}", 400),
        ("PATCH /v1/settings", "{\"clear_clipboard_after\":\"never ever\"}", 400),
    ] {
        let Some(answer) = scene.desktop.api(call, body).await else {
            assert_eq!(status, 413, "{call}: no answer");
            continue;
        };
        let close = |code: u16| [400, 404, 405, 413, 422].contains(&code);
        assert!(answer.status == status || (status == 400 && close(answer.status)), "{call}: {answer:?}");
        assert!(answer.head.contains("application/problem+json"), "{call}: {answer:?}");
        assert!(answer.body["detail"].as_str().is_some_and(|text| text.len() > 5), "{call}: {answer:?}");
    }
    let status = scene.desktop.status().await;
    assert_eq!((status.state("default"), status.names().len()), ("valid", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_half_requests_stop_nobody() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut open = Vec::new();
    for bytes in [b"\x16\x03\x01garbage".as_slice(), b"GET /v1/status HTTP/1.1\r\nHost", b""] {
        for _ in 0..50 {
            let mut stream = tokio::net::UnixStream::connect(scene.desktop.socket()).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, bytes).await.unwrap();
            open.push(stream);
        }
    }

    assert_eq!(scene.desktop.status().await.state("default"), "valid");
    drop(open);
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_stream_begins_with_a_snapshot() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let mut stream = tokio::net::UnixStream::connect(scene.desktop.socket()).await.unwrap();
    let request = b"GET /v1/events HTTP/1.1\r\nHost: evertoken\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();

    let mut seen = String::new();
    eventually("a snapshot on the event stream", async || {
        let mut bytes = [0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut bytes).await.unwrap();
        seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        (seen.contains("text/event-stream") && seen.contains("data:") && seen.contains("\"accounts\":[]")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_changes_hears_of_the_account_that_changed_and_of_no_other() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 1h").await;
    for name in ["a", "b", "c"] {
        scene.desktop.login(name, &scene.sandbox).await;
    }
    let mut stream = tokio::net::UnixStream::connect(scene.desktop.socket()).await.unwrap();
    let request = b"GET /v1/events?changes=true HTTP/1.1\r\nHost: evertoken\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
    let (mut lines, mut events) = (tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stream)), Vec::new());
    let mut name = String::new();
    let mut is_told = async |sought: &str| {
        loop {
            let line = lines.next_line().await.unwrap().expect("the stream goes on");
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let schema = if name == "change" { "status-change" } else { "status" };
                events.push((name.clone(), Schema::named(schema).describes_text(data)));
                if data.contains(sought) {
                    return std::mem::take(&mut events);
                }
            }
        }
    };

    let first = is_told(r#""name":"c""#).await;
    scene.desktop.evertoken("logout b").await.succeeded();
    let logged_out = is_told("signed-out").await;
    scene.desktop.evertoken("account remove b").await.succeeded();
    let removed = is_told(r#""removed":["b"]"#).await;

    assert_eq!((first.len(), first[0].0.as_str()), (1, "status"));
    assert_eq!(first[0].1["accounts"].as_array().unwrap().len(), 3);
    for (name, change) in logged_out.into_iter().chain(removed) {
        let told: Vec<_> = change["accounts"].as_array().unwrap().iter().map(|account| &account["name"]).collect();
        assert!(name == "change" && told.iter().all(|told| *told == "b"), "{name}: {change}");
    }
}
