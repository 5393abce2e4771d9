//! The process: addresses, exit codes, its end, https.

use std::fs;
use std::net::TcpListener;
use std::process::{Output, Stdio};

use reqwest::Certificate;

use crate::server::{Server, client, command};

fn refused(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = command(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(stdout.is_empty());
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn it_does_not_listen_beyond_loopback() {
    let (code, message) = refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!((code, message.lines().count()), (2, 1), "{message}");
    assert!(message.contains("0.0.0.0 is not a loopback address"), "{message}");
}

#[test]
fn a_port_in_use_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, message) = refused(&["--listen", &address]);
    assert_eq!((code, message.lines().count()), (1, 1), "{message}");
    assert!(message.contains(&format!("{address} is in use")), "{message}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [["--expires-in", "soon"], ["--access-token-bytes", "3"], ["--encoding", "xml"]] {
        assert_eq!(refused(&arguments).0, 2, "{arguments:?}");
    }
}

#[test]
fn it_ends_when_its_parent_is_gone() {
    let mut server = Server::start(&[]);
    server.close_stdin();
    assert!(server.wait().success());
}

#[cfg(unix)]
#[test]
fn it_ends_at_sigterm_and_sigint() {
    for signal in ["-TERM", "-INT"] {
        let server = Server::start(&[]);
        server.signal(signal);
        assert!(server.wait().success(), "{signal}");
    }
}

#[tokio::test]
async fn https_with_a_certificate_that_a_client_can_trust() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandbox.pem");
    let server = Server::start(&["--tls-cert", file.to_str().unwrap()]);
    let port = server.url.strip_prefix("https://127.0.0.1:").unwrap();
    let certificate = Certificate::from_pem(&fs::read(&file).unwrap()).unwrap();
    let trusting = client().tls_certs_only([certificate]).build().unwrap();

    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{port}/sandbox/sign-in");
        assert_eq!(trusting.post(url).send().await.unwrap().status(), 200, "{host}");
    }
    let stranger = client().build().unwrap();
    assert!(stranger.post(format!("{}/sandbox/sign-in", server.url)).send().await.is_err());
}

#[test]
fn a_certificate_nobody_asked_to_keep_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(&["--listen", "127.0.0.1:0", "--tls", "--exit-with-parent"])
        .envs(["TMPDIR", "TMP"].map(|name| (name, folder.path())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let Output { stderr, .. } = child.wait_with_output().unwrap();
    assert!(String::from_utf8(stderr).unwrap().contains(".pem"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
