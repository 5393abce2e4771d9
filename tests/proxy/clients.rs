//! Clients that were not made for it: tools that know only a password, and those that speak HTTP/2.

use std::process::Command;

use crate::desktop::Outcome;

use super::Stage;

async fn curl(stage: &Stage, arguments: &[&str]) -> Outcome {
    let mut curl: Command = stage.scene.desktop.environment.command("curl");
    curl.args(["-sS", "--noproxy", "*", "--max-time", "20"]).args(arguments);
    Outcome::of(curl, b"").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_knows_only_a_password_gets_in_with_the_runs_token() {
    let stage = Stage::set("--expires-in 1h").await;
    let Stage { scene, upstream, proxy } = &stage;
    let in_the_url = format!("http://x:{}@{}/echo", proxy.token, proxy.address());
    let (url, as_proxy) = (format!("{}/echo", upstream.origin()), format!("http://{}", proxy.address()));
    let user = format!("any:{}", proxy.token);
    for arguments in [
        vec![in_the_url.as_str()],
        // Asks without, and again after the challenge.
        vec!["--anyauth", in_the_url.as_str()],
        vec!["--noproxy", "", "--proxy", &as_proxy, "--proxy-user", &user, &url],
        vec!["--noproxy", "", "--proxy", &as_proxy, "--proxy-anyauth", "--proxy-user", &user, &url],
    ] {
        let body = ["--data", "said", "--fail"].into_iter().chain(arguments.iter().copied()).collect::<Vec<_>>();
        assert_eq!(curl(&stage, &body).await.succeeded(), "said", "{arguments:?}");
        let received = upstream.take_one();
        assert_eq!(received.token(), scene.desktop.token().await);
        assert_eq!(received.all("proxy-authorization"), [""; 0]);
    }
    let without = format!("http://{}/x", proxy.address());
    assert_eq!(curl(&stage, &["--fail", &without]).await.code, 22);

    let mut git: Command = scene.desktop.environment.command("git");
    git.args(["ls-remote", &format!("http://x:{}@{}/repository", proxy.token, proxy.address())]);
    git.env("GIT_TERMINAL_PROMPT", "0");
    let said = Outcome::of(git, b"").await;
    let asked = upstream.received();
    assert!(asked.iter().any(|request| request.line.starts_with("GET /repository/info/refs")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_http_2_for_granted_is_told_and_one_that_asks_is_served() {
    let stage = Stage::set("--expires-in 1h").await;
    let Stage { upstream, proxy, .. } = &stage;
    let url = format!("http://x:{}@{}/echo", proxy.token, proxy.address());
    let outcome = curl(&stage, &["--http2-prior-knowledge", "-v", &url]).await;
    assert_ne!(outcome.code, 0);
    assert!(upstream.received().is_empty());
    let said = proxy.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    // A SETTINGS frame, then GOAWAY with HTTP_1_1_REQUIRED (RFC 9113 sections 6.5, 6.8 and 7).
    assert!(said.as_bytes().starts_with(b"\0\0\0\x04\0\0\0\0\0\0\0"), "{said:?}");
    assert!(said.contains("\0\0\0\x0d") && said.contains("speaks HTTP/1.1 only"), "{said:?}");
    assert!(proxy.log().contains("speaks HTTP/2 alone"), "{}", proxy.log());

    assert_eq!(curl(&stage, &["--http2", "--data", "said", "--fail", &url]).await.succeeded(), "said");
}
