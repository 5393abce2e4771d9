//! Where the browser comes back to: as a server knows it, and from another machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Stdio};

use serde_json::{Value, json};

use super::{at_the_server, logged_in, login, server, signed_out};
use crate::desktop::wire::answer;
use crate::desktop::{Behaviour, Browser, Scene, Wire};

const JSON: &str = "Content-Type: application/json\r\n";

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A server that knows one redirect URI and looks at nothing else.
async fn exact_server() -> Wire {
    let wire = Wire::start(Behaviour::Closes).await;
    let base = wire.url("");
    let metadata = json!({"issuer": base, "token_endpoint": format!("{base}/token"),
        "authorization_endpoint": format!("{base}/authorize")});
    let tokens = json!({"access_token": "a-1", "refresh_token": "r-1", "expires_in": 3600});
    wire.behave(Behaviour::Serves(vec![
        ("/.well-known/oauth-authorization-server", answer("200 OK", JSON, metadata.to_string())),
        ("/token", answer("200 OK", JSON, tokens.to_string())),
    ]));
    wire
}

fn state(url: &str) -> &str {
    url.split_once("state=").unwrap().1.split('&').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_compares_exactly_is_told_the_redirect_uri_that_it_knows() {
    let scene = signed_out("").await;
    let wire = exact_server().await;
    for uri in [format!("http://localhost:{}", free_port()), format!("http://[::1]:{}/cb", free_port())] {
        let options = format!("--browser --issuer {} --client-id me --redirect-uri {uri}", wire.url(""));
        let login = login(&scene, &options);
        let browser = Browser::new();
        let opened = scene.desktop.opened().await;
        let at = browser.get(&opened).await.location().to_owned();
        let encoded = uri.replace(':', "%3A").replace('/', "%2F").replace('[', "%5B").replace(']', "%5D");
        assert!(at.contains(&format!("redirect_uri={encoded}&")), "{at}");
        let slash = if uri.ends_with("/cb") { "" } else { "/" };
        let page = browser.get(&format!("{uri}{slash}?code=c-1&state={}", state(&at))).await;
        assert!(page.html.contains("You can close this page"), "{}", page.html);
        let said = login.await.unwrap();
        said.succeeded();
        assert!(said.stderr.contains(&format!("the redirect URI {uri}: register it there")), "{said:?}");
        let exchange = wire.requests().into_iter().rfind(|request| request.contains("code=c-1")).unwrap();
        assert!(exchange.contains(&format!("redirect_uri={encoded}&")), "{exchange}");
    }
    let configuration = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(configuration.contains("redirect_uri = \"http://[::1]:"), "a later sign-in needs no option");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_uri_that_leads_elsewhere_or_to_a_taken_port_is_refused_in_a_sentence() {
    let scene = signed_out("").await;
    let issuer = scene.sandbox.url("");
    for elsewhere in ["https://evil.example/cb", "http://192.0.2.1/cb", "http://localhost.evil.example/cb"] {
        let body = json!({"settings": {"issuer": issuer, "client_id": "me", "redirect_uri": elsewhere}}).to_string();
        let refused = scene.desktop.api("POST /v1/accounts/default/login/browser", &body).await.unwrap();
        assert_eq!(refused.status, 422, "{:?}", refused.body);
        assert!(
            refused.body["detail"].as_str().unwrap().contains("does not lead to this machine"),
            "{:?}",
            refused.body
        );
        let login = format!("login default --browser --issuer {issuer} --client-id me --redirect-uri {elsewhere}");
        assert_eq!(scene.desktop.evertoken(&login).await.code, 2);
    }
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let uri = format!("http://127.0.0.1:{}/callback", taken.local_addr().unwrap().port());
    let login = format!("login default --browser --redirect-uri {uri} {}", server(&scene));
    let said = scene.desktop.evertoken(&login).await;
    assert!(said.failed(1).contains(&format!("{uri} cannot be listened on")), "{said:?}");
    assert!(!scene.desktop.environment.path("opened").exists(), "no browser was opened for nothing");
    assert!(scene.desktop.status().await.names().is_empty(), "no account was made");
}

/// `evertoken login` at a terminal, as far as the paste is concerned.
struct Pasting {
    child: Child,
    stdin: ChildStdin,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Pasting {
    fn start(scene: &Scene, options: &str) -> Self {
        let mut command = scene.desktop.command(&format!("login default {options}"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stderr) = (child.stdin.take().unwrap(), BufReader::new(child.stderr.take().unwrap()));
        Self { child, stdin, stderr }
    }

    /// Standard error up to this line.
    fn says(&mut self, what: &str) {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it did not say {what}");
        }
    }

    fn pastes(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }
}

impl Drop for Pasting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_a_browser_on_another_machine_pastes_the_address_that_it_cannot_open() {
    let scene = logged_in("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let mut login = Pasting::start(&scene, "--browser");
    let (_, answered) = at_the_server(&scene, &Browser::new()).await;
    let callback = answered.location().to_owned();
    login.pastes("");
    login.pastes(&callback.replace("state=", "state=x"));
    login.says("is not the answer to the sign-in that is waiting");
    login.pastes(&format!("  {callback} "));
    assert!(tokio::task::spawn_blocking(move || login.child.wait().unwrap().success()).await.unwrap());
    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_brings_the_answer_of_a_browser_on_another_machine() {
    let scene = signed_out("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    let brings = async |url: &str| {
        let body = json!({ "url": url }).to_string();
        scene.desktop.api("POST /v1/accounts/default/login/browser/callback", &body).await.unwrap()
    };
    let refused = brings("http://127.0.0.1:1/callback?code=c&state=s").await;
    assert_eq!(refused.status, 422, "nothing waits: {:?}", refused.body);

    let settings = json!({"issuer": scene.sandbox.url(""), "client_id": "me"});
    let mut stream = scene.desktop.sign_in_stream("browser", &json!({"settings": settings})).await;
    let prompt: Value = stream.event("prompt").await;
    let at_the_server = prompt["authorization_url"].as_str().unwrap();
    let callback = Browser::new().get(at_the_server).await.location().to_owned();
    assert!(callback.starts_with(&format!("{}?", prompt["redirect_uri"].as_str().unwrap())), "{callback}");
    assert_eq!(brings("http://127.0.0.1:1/callback?code=c&state=s").await.status, 422);
    let brought = brings(&callback).await;
    assert_eq!(brought.status, 204, "{:?}", brought.body);
    assert_eq!(stream.event("done").await["state"], "valid");
    assert_eq!(brings(&callback).await.status, 422, "it counts once");
}
