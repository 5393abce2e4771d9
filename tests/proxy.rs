//! `evertoken proxy`: a tool gets the API and never the access token.

mod clients;
mod command;
mod network;
mod renewal;
mod served;
mod socket;
mod streaming;

use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use reqwest::{Body, Method};
use serde_json::Value;

use crate::desktop::{Canary, Proxy, Scene, Upstream, procfs};

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
        self.scene.desktop.until_fewer_seconds_are_left("default", lifetime * 3 / 5).await;
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
    reaches_the_resource_without_the_token(&Scene::logged_in("--expires-in 1h").await).await;
}

/// A tool that knows the proxy alone.
pub(crate) async fn reaches_the_resource_without_the_token(scene: &Scene) {
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
