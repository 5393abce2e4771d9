//! TLS, and the proxy of a company in between.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::problem;
use crate::desktop::{Authority, Desktop, Proxy, Scene, Upstream};

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
async fn a_proxy_of_another_kind_is_named_as_the_cause() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    scene.desktop.environment.set("ALL_PROXY", "socks5://user:secret@127.0.0.1:9");
    let proxy = Proxy::start(&scene.desktop, "--allow https://vault.example");

    let problem = problem(proxy.request(Method::GET, "/x").send().await.unwrap()).await;

    assert_eq!(problem["status"], 502);
    assert!(problem["detail"].as_str().unwrap().contains("SOCKS"), "{problem}");
    assert!(problem["advice"].as_str().unwrap().contains("HTTPS_PROXY"), "{problem}");
    assert!(!problem.to_string().contains("secret"), "{problem}");
}
