//! A sandbox that lives as long as the test that started it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: Client,
    child: Child,
    /// Held open: the server ends when it closes, even if the test is killed.
    stdin: Option<ChildStdin>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evertoken-sandbox"));
    command.args(arguments);
    command
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    // Only the first call installs it; every later one finds it installed.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    // One connection for each request: a client that repeats a request on a connection that turned out closed
    // would hide what a fault does.
    Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(Duration::from_secs(60))
}

pub(crate) fn fingerprint(token: &Value) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(token.as_str().unwrap());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(&["--listen", "127.0.0.1:0", "--exit-with-parent"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let stdin = child.stdin.take();
        Self { url, client: client().build().unwrap(), child, stdin }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let kill = std::process::Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = read(self.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        read(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn sign_in(&self) -> Value {
        let answer = self.post("/sandbox/sign-in", &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let answer = self.post("/sandbox/faults", &fault).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
    }

    /// The documented request.
    pub(crate) fn token_request(&self, refresh_token: &Value) -> RequestBuilder {
        self.request(Method::POST, "/v2.0/reference/gettoken")
            .json(&json!({"grant_type": "refresh_token", "refresh_token": refresh_token}))
    }

    pub(crate) async fn refresh(&self, refresh_token: &Value) -> Answer {
        read(self.token_request(refresh_token).send().await.unwrap()).await
    }

    pub(crate) async fn user_info(&self, access_token: &Value) -> Answer {
        let request = self.request(Method::GET, "/v2.0/user/info").bearer_auth(access_token.as_str().unwrap());
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn state(&self, token: &Value) -> Value {
        self.get(&format!("/sandbox/tokens/{}", fingerprint(token))).await["state"].take()
    }

    /// The last of at least `count` finished token requests.
    pub(crate) async fn last_request(&self, count: usize) -> Value {
        let mut log = self.get(&format!("/sandbox/requests?wait_for={count}")).await;
        let requests = log["requests"].as_array_mut().unwrap();
        assert!(requests.len() >= count, "{requests:?}");
        requests.pop().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Answer { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
