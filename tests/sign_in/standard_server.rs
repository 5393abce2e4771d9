//! Servers as RFC 6749 and OpenID Connect have them: what is asked of them, where, and what they grant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::login;
use crate::desktop::wire::answer;
use crate::desktop::{Behaviour, Browser, Desktop, Scene, Wire};

const JSON: &str = "Content-Type: application/json\r\n";

/// A server of raw bytes and nobody logged in.
struct StandardServer {
    scene: Scene,
    wire: Wire,
}

impl StandardServer {
    async fn start() -> Self {
        let scene = super::signed_out("").await;
        Self { scene, wire: Wire::start(Behaviour::Closes).await }
    }

    /// From now on it answers so at its token endpoint.
    fn grants(&self, tokens: &Value) {
        let base = self.wire.url("");
        let metadata = json!({
            "issuer": base, "token_endpoint": format!("{base}/token"), "revocation_endpoint": format!("{base}/revoke"),
            "authorization_endpoint": format!("{base}/authorize"),
        });
        self.wire.behave(Behaviour::Serves(vec![
            ("/.well-known/oauth-authorization-server", answer("200 OK", JSON, metadata.to_string())),
            ("/token", answer("200 OK", JSON, tokens.to_string())),
            ("/revoke", answer("200 OK", "", "")),
        ]));
    }

    /// Begins a sign-in with these options; what the person's browser is sent to the server with, by name.
    async fn begin(&self, options: &str) -> (tokio::task::JoinHandle<crate::desktop::Outcome>, Vec<(String, String)>) {
        let login = login(&self.scene, &format!("--browser --issuer {} --client-id me {options}", self.wire.url("")));
        let at = Browser::new().get(&self.scene.desktop.opened().await).await.location().to_owned();
        let query = at.strip_prefix(&self.wire.url("/authorize?")).unwrap();
        (login, query.split('&').map(pair).collect())
    }

    /// The bodies of what was sent to this path.
    fn sent_to(&self, path: &str) -> Vec<String> {
        let start = format!("POST {path} ");
        let requests = self.wire.requests().into_iter().filter(|request| request.starts_with(&start));
        requests.map(|request| request.split_once("\r\n\r\n").unwrap().1.to_owned()).collect()
    }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap();
    let value = value.replace('+', " ").replace("%20", " ").replace("%3A", ":").replace("%2F", "/");
    (name.to_owned(), value)
}

fn value<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
}

/// The browser comes back with a code.
async fn comes_back(query: &[(String, String)]) {
    let (uri, state) = (value(query, "redirect_uri").unwrap(), value(query, "state").unwrap());
    Browser::new().get(&format!("{uri}?code=c-123&state={state}")).await;
}

fn tokens(query: &[(String, String)], nonce: Option<&str>) -> Value {
    let nonce = nonce.or_else(|| value(query, "nonce"));
    let claims = json!({"sub": "alice", "nonce": nonce});
    let id_token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    json!({"access_token": "a-123", "token_type": "Bearer", "refresh_token": "r-123", "expires_in": 3600,
        "scope": "openid read", "id_token": id_token})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_at_a_sign_in_stays_there_and_a_server_may_grant_less() {
    let server = StandardServer::start().await;
    server.grants(&json!({}));
    let settings = json!({"issuer": server.wire.url(""), "client_id": "me", "parameters": {
        "prompt": "consent", "access_type": "offline", "audience": "api", "scope": "openid read write"}});
    let request = json!({"settings": settings});
    let mut stream = server.scene.desktop.sign_in_stream("browser", &request).await;
    let prompt = stream.event("prompt").await;
    let at = Browser::new().get(prompt["url"].as_str().unwrap()).await.location().to_owned();
    let query: Vec<_> = at.split_once('?').unwrap().1.split('&').map(pair).collect();
    for (name, asked) in [("prompt", "consent"), ("access_type", "offline"), ("scope", "openid read write")] {
        assert_eq!(value(&query, name), Some(asked), "{query:?}");
    }
    assert_eq!(value(&query, "nonce").map(str::len), Some(43), "{query:?}");
    server.grants(&tokens(&query, None));
    comes_back(&query).await;

    let done = stream.event("done").await;
    assert_eq!((&done["state"], &done["user_id"]), (&json!("valid"), &json!("alice")), "{done}");
    assert_eq!(done["login"]["not_granted"], json!(["write"]), "{done}");
    let sent = server.sent_to("/token");
    assert_eq!(sent.len(), 2, "the code's exchange and the first refresh: {sent:?}");
    for body in &sent {
        for name in ["scope", "prompt", "access_type"] {
            assert!(!body.contains(&format!("{name}=")), "{body}");
        }
        assert!(body.contains("audience=api"), "{body}");
    }
    let status = server.scene.desktop.evertoken("status").await;
    assert!(status.succeeded().contains("not granted   write"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_token_requests_are_named_apart_and_stay_in_the_configuration() {
    let server = StandardServer::start().await;
    server.grants(&json!({"access_token": "a-123", "refresh_token": "r-124", "expires_in": 3600}));
    let options = format!(
        "--endpoint {} --encoding form --parameter audience=api --token-parameter scope=read",
        server.wire.url("/token")
    );
    let login = format!("login default {options}");
    server.scene.desktop.evertoken_reading("r-123", &login).await.succeeded();
    server.scene.desktop.evertoken_reading("r-125", "login default").await.succeeded();
    for body in server.sent_to("/token") {
        assert!(body.ends_with("&scope=read") && !body.contains("audience"), "{body}");
    }
    let configuration = std::fs::read_to_string(server.scene.desktop.environment.configuration()).unwrap();
    assert!(configuration.contains("token_parameters = { scope = \"read\" }"), "{configuration}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_of_another_sign_in_is_refused_and_its_tokens_are_revoked_at_their_server() {
    let server = StandardServer::start().await;
    server.grants(&json!({}));
    let (login, query) = server.begin("--parameter scope=openid").await;
    server.grants(&tokens(&query, Some("of-somebody-else")));
    comes_back(&query).await;

    let said = login.await.unwrap();
    assert!(said.code == 3 && said.stderr.contains("nonce"), "{said:?}");
    assert_eq!(server.sent_to("/token").len(), 1, "nothing was refreshed");
    assert_eq!(server.sent_to("/revoke"), ["token=r-123&token_type_hint=refresh_token&client_id=me"]);
    assert!(server.scene.desktop.status().await.names().is_empty(), "no account was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_that_came_alone_is_revoked_and_the_advice_says_what_may_be_missing() {
    let server = StandardServer::start().await;
    server.grants(&json!({}));
    let (login, query) = server.begin("").await;
    server.grants(&json!({"access_token": "a-123", "expires_in": 3600}));
    comes_back(&query).await;

    let said = login.await.unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    for missing in ["scope=offline_access", "prompt=consent", "access_type=offline"] {
        assert!(said.stderr.contains(missing), "{said:?}");
    }
    assert_eq!(server.sent_to("/revoke"), ["token=a-123&token_type_hint=access_token&client_id=me"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_sign_in_whose_first_refresh_is_refused_are_revoked() {
    let scene = super::logged_in("--expires-in 12s").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    scene.sandbox.fault(json!({})).await;
    scene.sandbox.fault(json!({"status": 400, "body": "{\"error\":\"invalid_scope\"}"})).await;
    let before = scene.sandbox.requests().await.len();
    let login = login(&scene, "--browser");
    let browser = Browser::new();
    let (_, answered) = super::at_the_server(&scene, &browser).await;
    browser.get(answered.location()).await;

    let said = login.await.unwrap();
    let text = &said.stderr;
    assert!(text.contains("you signed in, and the first refresh failed") && text.contains("invalid_scope"), "{text}");
    assert_eq!(said.code, 1);
    let exchange = scene.sandbox.requests().await[before].successor.clone().unwrap();
    let revocations = crate::desktop::eventually("the login is revoked", async || {
        let revocations = scene.sandbox.revocations().await;
        (!revocations.is_empty()).then_some(revocations)
    });
    assert_eq!(revocations.await[0].fingerprint.as_deref(), Some(exchange.as_str()));
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_at_the_first_refresh_is_asked_once_more_a_second_later() {
    let scene = super::signed_out("").await;
    scene.sandbox.consent(json!({"answer": "approve"})).await;
    scene.sandbox.fault(json!({})).await;
    scene.sandbox.fault(json!({"status": 500, "body": "duplicate key"})).await;
    let login = login(&scene, &format!("--browser {}", super::server(&scene)));
    let browser = Browser::new();
    let (_, answered) = super::at_the_server(&scene, &browser).await;
    let begun = std::time::Instant::now();
    browser.get(answered.location()).await;

    login.await.unwrap().succeeded();
    assert!(begun.elapsed().as_millis() >= 2000, "a second before each refresh: {:?}", begun.elapsed());
    assert_eq!(scene.sandbox.requests().await.len(), 3);
    assert!(scene.sandbox.revocations().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_to_log_in_reads_the_name_of_the_server() {
    let desktop = Desktop::without_screen().await;
    let notifications = crate::desktop::Notifications::arrive(&desktop.bus).await;
    let scene = super::logged_in_on(desktop, "--expires-in 4s").await;
    scene.sandbox.expire().await;
    notifications.shown("Log in to 127.0.0.1 again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_is_shown_and_told_ahead_whether_its_server_says_so_or_its_token() {
    for (members, refresh_token) in [(json!({"refresh_expires_in": 600}), "r-123".to_owned()), (json!({}), jwt(600))] {
        let desktop = Desktop::without_screen().await;
        let notifications = crate::desktop::Notifications::arrive(&desktop.bus).await;
        let scene = super::signed_out_on(desktop, "").await;
        let server = StandardServer { scene, wire: Wire::start(Behaviour::Closes).await };
        let mut tokens = json!({"access_token": "a-123", "refresh_token": refresh_token, "expires_in": 86_400});
        tokens.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        server.grants(&tokens);
        let login = format!("login default --endpoint {} --encoding form", server.wire.url("/token"));
        let desktop = &server.scene.desktop;
        desktop.evertoken_reading("r-122", &login).await.succeeded();

        let account = desktop.status().await.account("default").clone();
        let before: jiff::Timestamp = account["login"]["before"].as_str().unwrap().parse().unwrap();
        let left = before.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((560..=600).contains(&left), "{left}: {account:#}");
        let shown = desktop.evertoken("status").await;
        assert!(shown.succeeded().contains("log in        before "), "{shown:?}");
        assert!(notifications.all().is_empty(), "a tenth of its life is a minute");
    }
}

fn jwt(seconds: i64) -> String {
    let claims = json!({"exp": jiff::Timestamp::now().as_second() + seconds});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_refusal_stay_in_the_history() {
    let scene = super::logged_in("--expires-in 4s").await;
    let words = json!({"error": "invalid_grant", "error_description": "Token was \u{1b}revoked by an admin."});
    scene.sandbox.fault(json!({"status": 400, "body": words.to_string()})).await;
    scene.desktop.until_state("default", "login-required").await;
    let history = scene.desktop.evertoken("history").await;
    assert!(history.succeeded().contains("(invalid_grant: Token was revoked by an admin)"), "{history:?}");
}
