//! What passes as it comes: bodies, events, WebSocket.

use hyper::body::Bytes;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Stage, stream};
use crate::desktop::{PATIENCE, Proxy};

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
pub(super) async fn web_socket(proxy: &Proxy) -> (TcpStream, String) {
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
