//! The sandbox token endpoint as a child of the test, and typed calls to what it offers beside the endpoint.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Desktop;
use super::deadline::PATIENCE;
use super::evertoken::built;
use super::evidence;
use super::process::Process;

const TOKEN_PATH: &str = "/v2.0/reference/gettoken";
const STANDARD_TOKEN_PATH: &str = "/oauth/token";
const REVOCATION_PATH: &str = "/oauth/revoke";

/// A running sandbox; it dies with this value and forgets everything.
pub(crate) struct Sandbox {
    base: String,
    http: reqwest::Client,
    _process: Process,
}

/// A token response.
#[derive(Clone, Deserialize)]
pub(crate) struct Grant {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) expires_in: u64,
    pub(crate) scope: String,
    pub(crate) user_id: String,
}

/// One request to the token endpoint as the sandbox saw it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) outcome: String,
    pub(crate) status: Option<u16>,
    pub(crate) successor: Option<String>,
    /// Names only.
    pub(crate) headers: Vec<String>,
}

impl Sandbox {
    /// Starts one on a free port with these options, separated by spaces.
    pub(crate) async fn start(desktop: &Desktop, options: &str) -> Self {
        let mut command = desktop.environment.command(built("evertoken-sandbox"));
        command.args(["--listen", "127.0.0.1:0"]).args(options.split_whitespace());
        let (process, base) = Process::spawn_until_line(&mut command, |line| {
            let (_, address) = line.split_once("listening on ")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        // Only the first call installs it; every later one finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { base, http, _process: process }
    }

    /// The token endpoint's URL.
    pub(crate) fn endpoint(&self) -> String {
        self.url(TOKEN_PATH)
    }

    /// A URL on this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A person signs in: a first token response.
    pub(crate) async fn sign_in(&self) -> Grant {
        serde_json::from_value(self.sign_in_response().await).unwrap()
    }

    /// The same as JSON, for those who paste the whole response.
    pub(crate) async fn sign_in_response(&self) -> Value {
        self.post("/sandbox/sign-in", &json!({})).await
    }

    /// Somebody presents this refresh token.
    pub(crate) async fn present(&self, refresh_token: &str) {
        self.post(TOKEN_PATH, &json!({ "grant_type": "refresh_token", "refresh_token": refresh_token })).await;
    }

    /// Ends all refresh tokens: from now on the documented 401.
    pub(crate) async fn expire(&self) {
        self.post("/sandbox/expire", &json!({})).await;
    }

    /// What a browser that asks to sign in is answered from now on.
    pub(crate) async fn consent(&self, consent: Value) {
        self.post("/sandbox/authorization", &consent).await;
    }

    /// What is said to the newest code of a device.
    pub(crate) async fn answer_device(&self, answer: Value) {
        self.post("/sandbox/device", &answer).await;
    }

    /// A person signs in as somebody.
    pub(crate) async fn sign_in_as(&self, user_id: &str) -> Grant {
        serde_json::from_value(self.post("/sandbox/sign-in", &json!({ "user_id": user_id })).await).unwrap()
    }

    /// Queues an answer for the next requests.
    pub(crate) async fn fault(&self, fault: Value) {
        self.post("/sandbox/faults", &fault).await;
    }

    /// Forgets the queued answers.
    pub(crate) async fn heal(&self) {
        let answer = self.http.delete(self.url("/sandbox/faults")).send().await.unwrap();
        assert!(answer.status().is_success(), "DELETE /sandbox/faults: {}", answer.status());
    }

    /// Lets the requests go that a `hold` fault of this name stopped.
    pub(crate) async fn release(&self, name: &str) {
        self.post("/sandbox/release", &json!({ "name": name })).await;
    }

    /// Sets the server's clock off by this much, as in `-90s`.
    pub(crate) async fn skew_clock(&self, skew: &str) {
        self.post("/sandbox/clock", &json!({ "skew": skew })).await;
    }

    /// How many requests for tokens wait for their answer now.
    pub(crate) async fn in_flight(&self) -> u64 {
        self.get("/sandbox/requests").await["in_flight"].as_u64().unwrap()
    }

    /// All requests for tokens that are over, one way or the other.
    pub(crate) async fn requests(&self) -> Vec<Request> {
        let report = self.get("/sandbox/requests").await;
        only_tokens(&report)
    }

    /// All requests to revoke a token that are over.
    pub(crate) async fn revocations(&self) -> Vec<Request> {
        let report = self.get("/sandbox/requests").await;
        let requests: Vec<Request> = serde_json::from_value(report["requests"].clone()).unwrap();
        requests.into_iter().filter(|request| request.path == REVOCATION_PATH).collect()
    }

    /// Waits until this many requests for tokens are over.
    pub(crate) async fn requests_reach(&self, count: usize) -> Vec<Request> {
        let report = self.get(&format!("/sandbox/requests?wait_for={count}")).await;
        let requests = only_tokens(&report);
        assert!(requests.len() >= count, "only {} requests in {PATIENCE:?}", requests.len());
        requests
    }

    /// Waits until a request is held by the `hold` fault of this name.
    pub(crate) async fn holds(&self, name: &str) {
        self.get(&format!("/sandbox/requests?wait_for_held={name}")).await;
    }

    /// What the resource says to this bearer token, as an HTTP status.
    pub(crate) async fn user_info(&self, access_token: &str) -> u16 {
        let request = self.http.get(self.url("/v2.0/user/info")).bearer_auth(access_token);
        request.send().await.unwrap().status().as_u16()
    }

    /// What the sandbox knows of the token with this fingerprint.
    pub(crate) async fn token(&self, fingerprint: &str) -> Value {
        self.get(&format!("/sandbox/tokens/{fingerprint}")).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        assert!(answer.status().is_success(), "GET {path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(self.url(path)).json(body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "POST {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if evidence::is_wanted() {
            evidence::tell_requests(&self.base);
        }
    }
}

fn only_tokens(report: &Value) -> Vec<Request> {
    let requests: Vec<Request> = serde_json::from_value(report["requests"].clone()).unwrap();
    let is_token = |path: &str| path == TOKEN_PATH || path == STANDARD_TOKEN_PATH;
    requests.into_iter().filter(|request| is_token(&request.path)).collect()
}
