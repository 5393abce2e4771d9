//! `evertoken proxy` against clients that want more than they are given: other origins, web pages, smuggled requests.

use std::time::Duration;

use base64::Engine;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desktop::{Proxy, Scene, Upstream, eventually};

async fn stage() -> (Scene, Upstream, Proxy) {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(&scene.desktop, &format!("--allow {}", upstream.origin()));
    (scene, upstream, proxy)
}

/// The statuses of all answers in what was said.
fn statuses(said: &str) -> Vec<u16> {
    let lines = said.split("HTTP/1.1 ").skip(1);
    lines.filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
}

fn basic(password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("x:{password}")))
}

fn offers(said: &str, challenge: &str) -> bool {
    ["Bearer", "Basic"].iter().all(|scheme| said.contains(&format!("{challenge}: {scheme} realm=")))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_show_the_runs_token_gets_nothing() {
    let (scene, upstream, proxy) = stage().await;
    let first = if proxy.token.starts_with('A') { 'B' } else { 'A' };
    let wrong = format!("{first}{}", &proxy.token[1..]);
    let access_token = scene.desktop.token().await;
    for credentials in [
        "",
        "Bearer x",
        "Basic x",
        &proxy.token,
        &format!("Bearer {wrong}"),
        &format!("Bearer {access_token}"),
        &basic(&wrong),
    ] {
        let field = if credentials.is_empty() { String::new() } else { format!("Authorization: {credentials}\r\n") };
        let origin_form = format!("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{field}\r\n");
        let said = proxy.say(origin_form.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 401 ") && offers(&said, "www-authenticate"), "{credentials}: {said}");
        let said = proxy.say(origin_form.replace(" /x", &format!(" {}/x", upstream.origin())).as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 407 ") && offers(&said, "proxy-authenticate"), "{credentials}: {said}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_goes_to_another_origin() {
    let (_scene, upstream, proxy) = stage().await;
    let other = Upstream::start().await;
    let ask = async |line: &str| {
        let rest = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n", proxy.token);
        statuses(&proxy.say(format!("{line} HTTP/1.1\r\n{rest}").as_bytes()).await)
    };
    let (host, elsewhere) = (upstream.host(), other.host());
    assert_eq!(ask(&format!("GET http://{host}/absolute")).await, [200]);
    for foreign in [
        format!("http://{elsewhere}/x"),
        format!("https://{host}/x"),
        format!("http://{host}@{elsewhere}/x"),
        format!("http://x@{host}/x"),
        format!("http://{host}.evil.example/x"),
        "http://localhost/x".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
        elsewhere.clone(),
    ] {
        assert_eq!(ask(&format!("GET {foreign}")).await, [403], "{foreign}");
    }
    for line in [format!("CONNECT {host}"), "CONNECT api.vault.ist:443".to_owned(), "TRACE /x".to_owned()] {
        assert_eq!(ask(&line).await, [405], "{line}");
    }
    assert_eq!(ask("OPTIONS *").await, [400]);
    // A path is a path, whatever it looks like.
    for path in [format!("//{elsewhere}/x"), format!("/@{elsewhere}/"), format!("/../../x?http://{elsewhere}")] {
        assert_eq!(ask(&format!("GET {path}")).await, [200]);
        assert_eq!(upstream.lines().last().unwrap(), &format!("GET {path} HTTP/1.1"));
    }
    assert!(other.received().is_empty() && other.malformed().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_refused_even_if_it_knew_the_token() {
    let (_scene, upstream, proxy) = stage().await;
    let ask = async |fields: &str| {
        let rest = format!("Connection: close\r\nAuthorization: Bearer {}\r\n\r\n", proxy.token);
        statuses(&proxy.say(format!("GET /x HTTP/1.1\r\n{fields}{rest}").as_bytes()).await)
    };
    for page in [
        "Host: localhost\r\nOrigin: https://evil.example\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nOrigin: http://127.0.0.1\r\n",
        "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n",
        "Host: evil.example\r\n",
        "Host: 127.0.0.1.nip.example\r\n",
        "Host: [::1]\r\n",
        "Host: 0.0.0.0\r\n",
    ] {
        assert_eq!(ask(page).await, [403], "{page}");
    }
    assert!(upstream.received().is_empty());
    assert_eq!(ask("Host: 127.0.0.1:1\r\n").await, [200]);
}

/// What a client says, what it is told, and which requests the server sees whole.
struct Shape {
    name: &'static str,
    said: String,
    told: Vec<u16>,
    seen: Vec<&'static str>,
}

fn shapes(token: &str) -> Vec<Shape> {
    let open = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
    let close = format!("{open}Connection: close\r\n");
    let smuggled = format!("GET /smuggled HTTP/1.1\r\n{close}\r\n");
    let shape = |name, said: String, told: &[u16], seen: &[&'static str]| Shape {
        name,
        said,
        told: told.to_vec(),
        seen: seen.to_vec(),
    };
    let refused = |name, said: String| Shape { name, said, told: vec![400], seen: vec![] };
    let post = |fields: &str, body: &str| format!("POST /a HTTP/1.1\r\n{open}{fields}\r\n{body}");
    let get = |fields: &str| format!("GET /a HTTP/1.1\r\n{open}{fields}\r\n");
    let a = "POST /a HTTP/1.1";
    let mut all = vec![
        // RFC 9112 section 6.3: the coding wins, the length is not passed on, the connection ends.
        shape(
            "CL.TE",
            post("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", &format!("0\r\n\r\n{smuggled}")),
            &[200],
            &[a],
        ),
        shape(
            "TE.CL",
            post("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", &format!("0\r\n\r\n{smuggled}")),
            &[200],
            &[a],
        ),
        shape(
            "the same length twice",
            post("Content-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n", "ab"),
            &[200],
            &[a],
        ),
        refused("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "abc")),
        refused("a list of lengths", post("Content-Length: 2, 2\r\n", "ab")),
        refused("two codings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
        refused("xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        refused("chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        refused("chunked in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n").replace("1.1", "1.0")),
        refused("a coding after a vertical tab", post("Transfer-Encoding:\u{b}chunked\r\n", "0\r\n\r\n")),
        refused("a space before the colon", post("Content-Length : 2\r\n", "ab")),
        refused("a space before the coding's colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        refused("a folded line", get("X-One: a\r\n b\r\n")),
        refused("a folded length", post("Content-Length:\r\n 2\r\n", "ab")),
        refused("a line that begins with a space", format!("GET /a HTTP/1.1\r\n {open}\r\n")),
        refused("CR in a value", get("X-One: a\rX-Two: b\r\n")),
        refused("NUL in a value", get("X-One: a\0b\r\n")),
        refused("NUL in a name", get("X-O\0ne: a\r\n")),
        refused("no name", get(": a\r\n")),
        refused("no colon", get("X-One\r\n")),
        refused("a control character in the target", format!("GET /a\u{1} HTTP/1.1\r\n{close}\r\n")),
        refused("a space in the target", format!("GET /a b HTTP/1.1\r\n{close}\r\n")),
        refused("a second version", format!("GET /a HTTP/1.1 HTTP/1.1\r\n{close}\r\n")),
        refused("no Host", get("Connection: close\r\n").replace("Host: localhost\r\n", "")),
        refused("two Hosts", get("Host: localhost\r\nConnection: close\r\n")),
        refused("HTTP/0.9", "GET /a\r\n\r\n".to_owned()),
        refused("HTTP/1.2", format!("GET /a HTTP/1.2\r\n{close}\r\n")),
        refused("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n".to_owned()),
        refused(
            "a chunk's size beyond all numbers",
            post("Transfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\nab\r\n0\r\n\r\n"),
        ),
        refused("a negative chunk", post("Transfer-Encoding: chunked\r\n", "-2\r\nab\r\n0\r\n\r\n")),
        refused("a chunk with bare LF", post("Transfer-Encoding: chunked\r\n", "2\nab\n0\n\n")),
        refused("a chunk that is longer than it says", post("Transfer-Encoding: chunked\r\n", "2\r\nabc\r\n0\r\n\r\n")),
        shape(
            "gzip, chunked",
            post("Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n", "0\r\n\r\n"),
            &[501],
            &[],
        ),
        shape(
            "chunked twice",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n", "0\r\n\r\n"),
            &[501],
            &[],
        ),
        // RFC 9112 section 2.2 lets a recipient take it for a line's end; what goes on has CR LF.
        shape("bare LF", get("X-One: a\r\nConnection: close\r\n").replace("\r\n", "\n"), &[200], &["GET /a HTTP/1.1"]),
        shape(
            "HTTP/1.0",
            format!("GET /a HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n"),
            &[],
            &["GET /a HTTP/1.1"],
        ),
        shape(
            "a bad second request",
            format!("{}GET /b HTTP/1.1\r\nX : y\r\n\r\n{smuggled}", get("")),
            &[200, 400],
            &["GET /a HTTP/1.1"],
        ),
        shape(
            "a second request without the token",
            format!("{}GET /b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", get("")),
            &[200, 401],
            &["GET /a HTTP/1.1"],
        ),
        shape(
            "two good ones",
            format!("{}{}", get(""), get("Connection: close\r\n")),
            &[200, 200],
            &["GET /a HTTP/1.1"; 2],
        ),
        shape(
            "a body that looks like a request",
            post(&format!("Content-Length: {}\r\nConnection: close\r\n", smuggled.len()), &smuggled),
            &[200],
            &[a],
        ),
        shape(
            "line ends in the target, encoded",
            get("Connection: close\r\n").replace("/a", "/a%0d%0aX-Evil:%201"),
            &[200],
            &["GET /a%0d%0aX-Evil:%201 HTTP/1.1"],
        ),
        shape("a field of 200 KiB", get(&format!("X-One: {}\r\n", "x".repeat(200 << 10))), &[431], &[]),
        shape("a thousand fields", get(&"X-One: a\r\n".repeat(1000)), &[431], &[]),
        shape(
            "a length that is named for this hop",
            post("Connection: close, content-length, host, authorization\r\nContent-Length: 2\r\n", "ab"),
            &[200],
            &[a],
        ),
    ];
    for length in ["+2", "-1", "0x2", "2 2", "", "99999999999999999999999", "2;", "٢"] {
        all.push(refused("an odd length", post(&format!("Content-Length: {length}\r\n"), "ab")));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_shape_of_a_request_smuggles_another() {
    let (scene, upstream, proxy) = stage().await;
    let mut expected: Vec<String> = Vec::new();
    for Shape { name, said, told, seen } in shapes(&proxy.token) {
        let answer = proxy.say(said.as_bytes()).await;
        expected.extend(seen.iter().map(ToString::to_string));
        assert_eq!(statuses(&answer), told, "{name}: {answer}");
        assert_eq!(upstream.lines(), expected, "{name}");
        assert_eq!(upstream.malformed(), [""; 0], "{name}");
    }
    let target = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "x".repeat(66_000));
    let answer = proxy.say(target.as_bytes()).await;
    // By how much of it is read at once.
    assert!([[414], [431]].contains(&statuses(&answer)[..].try_into().unwrap()), "a target of 66,000 bytes: {answer}");
    let token = scene.desktop.token().await;
    assert!(upstream.received().iter().all(|request| request.token() == token && request.all("x-evil").is_empty()));
    assert!(upstream.received().iter().all(|request| request.all("host") == [upstream.host()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_breaks_off_leaves_no_whole_request_behind() {
    let (_scene, upstream, proxy) = stage().await;
    let head = format!(
        "POST /a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        proxy.token
    );
    let mut stream = proxy.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the beginning has arrived", async || upstream.has_begun("POST /a HTTP/1.1").then_some(())).await;
    drop(stream);
    eventually("the server is told", async || (upstream.broken() == 1).then_some(())).await;
    assert_eq!(proxy.get("/x").await, 200);
    assert_eq!(upstream.lines(), ["GET /x HTTP/1.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_slow_clients_do_not_keep_others_out() {
    let (_scene, _upstream, proxy) = stage().await;
    let idle = join_all((0..300).map(|_| async {
        let mut stream = proxy.connect().await;
        stream.write_all(b"GET /x HTTP/1.1\r\nX-Slow: ").await.unwrap();
        stream
    }));
    let idle = idle.await;
    let before = std::time::Instant::now();
    assert_eq!(proxy.get("/x").await, 200);
    assert!(before.elapsed() < Duration::from_secs(5));
    // Those who never finish their header section are hung up on.
    for mut stream in idle {
        let mut end = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut end)).await;
        assert!(closed.is_ok(), "still open: {}", String::from_utf8_lossy(&end));
    }
    assert!(proxy.peak() < 64 << 10, "{} KiB", proxy.peak());
}
