//! What other programs and web pages do to the port that the browser comes back to.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{at_the_server, logged_in, login};
use crate::desktop::{Browser, eventually};

/// The port in `http://127.0.0.1:PORT/…`.
fn port(url: &str) -> u16 {
    url.split('/').nth(2).unwrap().rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_answer_to_this_request_ends_the_sign_in() {
    let scene = logged_in("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let before = scene.sandbox.requests().await.len();
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (opened, answered) = at_the_server(&scene, &browser).await;
    let real = answered.location().to_owned();
    let port = port(&opened);
    let host = format!("127.0.0.1:{port}");
    let refused = async |url: &str, headers: &[(&str, &str)], status: u16| {
        let page = browser.get_with(url, headers).await.unwrap();
        assert_eq!(page.status, status, "{url} {headers:?}: {}", page.html);
        assert!(!page.headers.contains_key("location"), "{url} {headers:?}");
    };

    // A state that is wrong, missing, or given twice; as a code and as an error.
    let (_, state) = real.split_once("&state=").unwrap();
    let state = state.split('&').next().unwrap();
    for query in [
        "code=x".to_owned(),
        "code=x&state=x".to_owned(),
        format!("code=x&state={}", &state[1..]),
        format!("code=x&state={state}&state={state}"),
        "error=access_denied&state=".to_owned(),
        "error=access_denied".to_owned(),
    ] {
        refused(&format!("http://{host}/callback?{query}"), &[], 400).await;
    }
    // The real answer, from a page and not from the person.
    for headers in [
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("sec-fetch-mode", "no-cors")],
        [("sec-fetch-dest", "image")],
        [("sec-fetch-dest", "iframe")],
        [("host", "localhost")],
        [("host", "evil.example")],
    ] {
        refused(&real, &headers, 403).await;
    }
    refused(&opened, &[("sec-fetch-site", "cross-site")], 403).await;
    // Other places and methods.
    for path in ["", "x", "callback/", "callback/..", "favicon.ico", ".well-known/x"] {
        refused(&format!("http://{host}/{path}"), &[], 404).await;
    }
    assert_eq!(browser.post(&real, "").await.status, 403);
    assert!(TcpStream::connect(("::1", port)).await.is_err(), "on IPv4 loopback alone");
    // Port scans and nonsense.
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"SSH-2.0-x\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/callback HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"\0\0\0\0",
        &[b'A'; 70_000],
    ] {
        let answer = raw(port, bytes).await;
        assert!(!answer.contains("200 OK") && !answer.contains("303"), "{answer}");
    }
    // Connections that say nothing do not keep the person out.
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }

    assert_eq!(scene.sandbox.requests().await.len(), before, "nothing was sent to the server");
    assert_eq!(browser.get(&real).await.status, 200);
    login.await.unwrap().succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_counts_once() {
    let scene = logged_in("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    scene.sandbox.fault(json!({"hold": "code"})).await;
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    let real = answered.location().to_owned();
    let mut page = std::pin::pin!(browser.get(&real));
    tokio::select! {
        _ = &mut page => panic!("the page is there before the code is exchanged"),
        () = scene.sandbox.holds("code") => {}
    }
    assert_eq!(browser.get(&format!("{real}&x=1")).await.status, 410, "nobody listens for a second answer");
    scene.sandbox.release("code").await;
    assert_eq!(page.await.status, 200);
    login.await.unwrap().succeeded();
    assert_eq!(scene.sandbox.requests().await.iter().filter(|request| request.path == "/oauth/token").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_somebody_else_asked_for_is_worth_nothing() {
    let scene = logged_in("--expires-in 4s").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    let real = answered.location().to_owned();
    // The attacker's own request has a challenge of its own (RFC 7636 appendix B), for the same place.
    let port = port(&real);
    let other = scene.sandbox.url(&format!(
        "/oauth/authorize?response_type=code&client_id=me&redirect_uri=http%3A%2F%2F127.0.0.1%3A{port}%2Fcallback\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
    ));
    let theirs = browser.get(&other).await.location().to_owned();
    let code = |url: &str| url.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let injected = real.replace(&code(&real), &code(&theirs));
    assert_ne!(injected, real);

    browser.get(&injected).await;

    let said = login.await.unwrap();
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("does not accept the sign-in"), "{said:?}");
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_the_name_of_another_server_is_not_exchanged() {
    let scene = logged_in("").await;
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.consent(json!({"answer": "approve", "issuer": "https://evil.example"})).await;
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    let page = browser.get(answered.location()).await;
    assert!(page.html.contains("another server"), "{}", page.html);
    let said = login.await.unwrap();
    assert!(said.code == 3 && said.stderr.contains("came from another server"), "{said:?}");
    assert_eq!(scene.sandbox.requests().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_name_a_server_which_always_does_is_not_exchanged() {
    let scene = logged_in("").await;
    let before = scene.sandbox.requests().await.len();
    scene.sandbox.consent(json!({"answer": "approve", "issuer": ""})).await;
    let browser = Browser::new();
    let login = login(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &browser).await;
    assert!(!answered.location().contains("iss="));
    let page = browser.get(answered.location()).await;
    assert!(page.html.contains("does not name the account&#39;s issuer"), "{}", page.html);
    let said = login.await.unwrap();
    assert!(said.code == 3 && said.stderr.contains("although the server says that it always does"), "{said:?}");
    assert_eq!(scene.sandbox.requests().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sentence_after_a_refused_sign_in_fits_its_reason() {
    let scene = logged_in("").await;
    let browser = Browser::new();
    for (error, code, reason, advice) in [
        ("invalid_scope", 1, "does not grant the parameter scope", "another --parameter scope="),
        ("unauthorized_client", 1, "does not let this client sign in with the browser", "--device"),
        ("login_required", 3, "did not ask you to sign in", "prompt=consent"),
        ("temporarily_unavailable", 4, "the server failed", "Try again later."),
    ] {
        let login = login(&scene, "--browser");
        let (opened, answered) = at_the_server(&scene, &browser).await;
        drop(answered);
        let asked = browser.get(&opened).await;
        let (_, state) = asked.location().split_once("&state=").unwrap();
        let (state, _) = state.split_once('&').unwrap();
        let issuer = scene.sandbox.url("").replace(':', "%3A").replace('/', "%2F");
        let callback = format!("http://127.0.0.1:{}/callback", port(&opened));
        let description = "It+is%C2%9B31m+not%E2%80%AE+to+be.";
        let query = format!("error={error}&error_description={description}&iss={issuer}&state={state}");
        let page = browser.get(&format!("{callback}?{query}")).await;
        let shown = format!("({error}: It is31m not to be)");
        assert!(page.html.contains(&shown), "{}", page.html);
        let said = login.await.unwrap();
        assert_eq!(said.code, code, "{said:?}");
        for words in [reason, &shown, advice] {
            assert!(said.stderr.contains(words), "{words}: {said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_answer_can_be_ended_at_any_time() {
    let mut scene = logged_in("").await;
    let login = login(&scene, "--browser");
    let opened = scene.desktop.opened().await;
    assert!(scene.agent.terminate().await.success(), "a sign-in does not hold the agent up");
    let said = login.await.unwrap();
    assert!([1, 4].contains(&said.code), "{said:?}");
    eventually("the port is closed", async || Browser::new().get_with(&opened, &[]).await.is_none().then_some(()))
        .await;
}
