//! `docs/local-api.yaml` is OpenAPI 3.1, and the agent does what it says.

mod fuzz;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desktop::{Agent, Answer, Desktop, Keyring, Outcome, Sandbox, Scene, Schema, docs, eventually};

fn document() -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(docs("local-api.yaml")).unwrap()).unwrap()
}

/// The agent's answers, held against the document. Remembers what was called.
struct Caller<'a> {
    desktop: &'a Desktop,
    document: Value,
    called: BTreeSet<(String, String, u16)>,
}

impl<'a> Caller<'a> {
    fn of(desktop: &'a Desktop) -> Self {
        Self { desktop, document: document(), called: BTreeSet::new() }
    }

    /// Makes a call as in `call("GET /v1/accounts/-/token?min_valid=1", "")`, and expects this answer.
    async fn call(&mut self, call: &str, body: &str, status: u16) -> Value {
        let answer = self.ask(call, body).await;
        assert_eq!(answer.status, status, "{call}: {:#}", answer.body);
        answer.body
    }

    /// Makes a call, and expects an answer that the document has.
    async fn ask(&mut self, call: &str, body: &str) -> Answer {
        let answer = self.desktop.api(call, body).await.unwrap_or_else(|| panic!("no answer: {call} {body}"));
        let status = answer.status;
        assert!(answer.head.contains(concat!("server: evertoken/", env!("CARGO_PKG_VERSION"))), "{}", answer.head);
        let (method, target) = call.split_once(' ').unwrap();
        let (method, path) = (method.to_lowercase(), self.template(target.split('?').next().unwrap()));
        let operation = &self.document["paths"][&path][&method];
        let described = self.resolved(&operation["responses"][status.to_string()]);
        assert!(described.is_object(), "{call} {body}: {status} is not documented: {:#}", answer.body);
        let expected = described["content"].as_object().and_then(|content| content.iter().next());
        match expected {
            None => assert!(answer.body.is_null() && !answer.head.contains("content-type"), "{call}: {answer:?}"),
            Some((kind, media)) => {
                assert!(answer.head.contains(&format!("content-type: {kind}")), "{call}: {}", answer.head);
                if media["schema"]["type"] != "string" {
                    schema_of(media).describes(&answer.body);
                }
            }
        }
        if status == 200 && path.ends_with("/token") {
            assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
        }
        self.called.insert((method, path, status));
        answer
    }

    /// The document's path that a path is of.
    fn template(&self, path: &str) -> String {
        let fits = |template: &&String| {
            let (ours, theirs) = (template.split('/'), path.split('/'));
            ours.clone().count() == theirs.clone().count()
                && ours.zip(theirs).all(|(ours, theirs)| ours == theirs || ours == "{name}")
        };
        let mut paths = self.document["paths"].as_object().unwrap().keys();
        paths.find(fits).unwrap_or_else(|| panic!("{path} is not in the document")).clone()
    }

    fn resolved<'b>(&'b self, value: &'b Value) -> &'b Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }
}

fn schema_of(media: &Value) -> Schema {
    let reference = media["schema"]["$ref"].as_str().unwrap();
    Schema::named(reference.strip_prefix("schemas/").and_then(|name| name.strip_suffix(".json")).unwrap())
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
            operations.map(|(method, operation)| (method.clone(), path.clone(), operation.clone()))
        })
        .collect()
}

#[test]
fn the_document_is_openapi() {
    let schema = serde_json::from_str(include_str!("openapi/schema-3.1.json")).unwrap();
    let wrong: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let references = references(&document());
    assert!(references.len() > 20);
    for reference in references {
        let is_there = match reference.strip_prefix('#') {
            Some(pointer) => document().pointer(pointer).is_some(),
            None => docs(&reference).is_file(),
        };
        assert!(is_there, "{reference}");
    }
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_answers_as_documented_whatever_is_asked() {
    let desktop = Desktop::with_screen().await;
    let scene = Scene::signed_out(desktop, "--expires-in 1h").await;
    let mut api = Caller::of(&scene.desktop);

    for path in ["status", "ready", "metrics", "access", "diagnosis", "settings"] {
        api.call(&format!("GET /v1/{path}"), "", 200).await;
    }
    api.call("PATCH /v1/settings", r#"{"clear_clipboard_after": "30s"}"#, 200).await;
    api.call("PATCH /v1/settings", r#"{"keychain": "memory"}"#, 400).await;
    let settings = json!({ "endpoint": scene.sandbox.endpoint() });
    let new = json!({ "name": "a", "settings": settings }).to_string();
    api.call("POST /v1/accounts", &new, 201).await;
    api.call("POST /v1/accounts", &new, 409).await;
    api.call("POST /v1/accounts", r#"{"name": "b", "settings": {"endpoint": "http://example.org"}}"#, 422).await;
    api.call("POST /v1/accounts", r#"{"name": "/"}"#, 400).await;
    scene.desktop.until_state("a", "signed-out").await;
    for path in ["token", "copy", "refresh"] {
        let method = if path == "token" { "GET" } else { "POST" };
        api.call(&format!("{method} /v1/accounts/a/{path}"), "", 403).await;
        api.call(&format!("{method} /v1/accounts/gone/{path}"), "", 404).await;
    }

    let credential = scene.sandbox.sign_in().await.refresh_token;
    api.call("POST /v1/accounts/a/login", &json!({ "credential": credential }).to_string(), 200).await;
    api.call("POST /v1/accounts/a/login", r#"{"credential": "never-heard-of"}"#, 403).await;
    api.call("POST /v1/accounts/a/login", r#"{"credential": ""}"#, 422).await;
    api.call("POST /v1/accounts/a/login", "{}", 400).await;
    api.call("GET /v1/accounts/-/token", "", 200).await;
    api.call("GET /v1/accounts/a/token?min_valid=600", "", 200).await;
    api.call("GET /v1/accounts/a/token?min_valid=soon", "", 400).await;
    api.call("GET /v1/accounts/%00/token", "", 400).await;
    api.call("POST /v1/accounts/a/refresh", r#"{"min_valid": 60}"#, 200).await;
    api.call("POST /v1/accounts/a/refresh", r#"{"min_valid": 86400}"#, 409).await;
    api.call("POST /v1/accounts/a/refresh", r#"{"min_valid": "60"}"#, 400).await;
    api.call("POST /v1/accounts/-/copy", "", 200).await;
    api.call("GET /v1/accounts/a/history", "", 200).await;
    api.call("GET /v1/accounts/gone/history", "", 404).await;
    api.call("GET /v1/accounts/a/settings", "", 200).await;
    api.call("GET /v1/accounts/gone/settings", "", 404).await;

    api.call("PATCH /v1/accounts/a", r#"{"name": "c", "colour": 1}"#, 400).await;
    api.call("PATCH /v1/accounts/a", r#"{"name": "c"}"#, 200).await;
    api.call("PATCH /v1/accounts/a", r#"{"name": "c"}"#, 404).await;
    api.call("PATCH /v1/accounts/c", r#"{"require_approval": true}"#, 200).await;
    api.call("GET /v1/accounts/c/token", "", 403).await;
    let program = api.call("GET /v1/status", "", 200).await["accounts"][0]["approvals"][0].clone();
    let approval = json!({ "program": program, "allow": true }).to_string();
    api.call("POST /v1/accounts/c/approval", &approval, 200).await;
    api.call("POST /v1/accounts/gone/approval", &approval, 404).await;
    api.call("POST /v1/accounts/c/approval", "{}", 400).await;
    api.call("GET /v1/accounts/c/token", "", 200).await;
    api.call("GET /v1/access", "", 200).await;

    api.call("POST /v1/accounts", r#"{"name": "d"}"#, 201).await;
    api.call("POST /v1/accounts", r#"{"name": "e"}"#, 201).await;
    api.call("DELETE /v1/accounts/c", "", 422).await;
    api.call("POST /v1/accounts/c/logout", "", 200).await;
    api.call("POST /v1/accounts/gone/logout", "", 404).await;
    api.call("DELETE /v1/accounts/c", "", 204).await;
    api.call("DELETE /v1/accounts/c", "", 404).await;
    for call in ["GET /v1/accounts/-/token", "GET /v1/accounts/-/history", "DELETE /v1/accounts/-"] {
        api.call(call, "", 409).await;
    }

    for way in ["browser", "device", "command"] {
        api.call(&format!("POST /v1/accounts/d/login/{way}"), "", 422).await;
    }
    api.call("POST /v1/accounts/d/login/browser/callback", "", 400).await;
    api.call("POST /v1/accounts/d/login/browser/callback", r#"{"url": "http://127.0.0.1:1/?code=c"}"#, 422).await;
    api.call("POST /v1/accounts/d/login/replace", "", 400).await;
    api.call("POST /v1/accounts/d/login/replace", r#"{"login": "0123456789ab"}"#, 422).await;

    let mut succeeded: BTreeSet<(String, String)> =
        api.called.into_iter().filter(|called| called.2 < 300).map(|(method, path, _)| (method, path)).collect();
    // A stream has no end, and a test of its own; signing in at a server that offers it has, too (`sign_in.rs`).
    succeeded.insert(("get".to_owned(), "/v1/events".to_owned()));
    for way in ["browser", "browser/callback", "device", "command", "replace"] {
        succeeded.insert(("post".to_owned(), format!("/v1/accounts/{{name}}/login/{way}")));
    }
    let documented: BTreeSet<_> =
        operations(&api.document).into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(succeeded, documented, "each documented call has been made here");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_excludes_each_other_is_the_callers_choice_and_changes_nothing() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut api = Caller::of(&scene.desktop);
    let file = scene.desktop.environment.path("home/token").display().to_string();
    let settings = json!({ "endpoint": scene.sandbox.endpoint() });
    api.call("POST /v1/accounts", &json!({ "name": "other", "settings": settings }).to_string(), 201).await;
    let before = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();

    let both = json!({ "default": true, "token_file": { "path": file }, "require_approval": true });
    let problem = api.call("PATCH /v1/accounts/other", &both.to_string(), 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("turn one of the two off"), "{problem:#}");
    let set = format!("account set other --token-file {file} --require-approval on");
    assert!(scene.desktop.evertoken(&set).await.failed(2).contains("turn one of the two off"));
    assert_eq!(std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap(), before);

    let alone = json!({ "token_file": { "path": file } }).to_string();
    api.call("PATCH /v1/accounts/default", &alone, 200).await;
    let problem = api.call("PATCH /v1/accounts/other", &alone, 422).await;
    assert!(problem["detail"].as_str().unwrap().contains("give each its own"), "{problem:#}");
    api.call("PATCH /v1/accounts/default", r#"{"require_approval": true}"#, 422).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_no_object_at_any_depth_and_a_whole_number_is_one_however_it_is_written() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut api = Caller::of(&scene.desktop);
    for (call, body) in [
        ("POST /v1/accounts", r#"["a"]"#),
        ("POST /v1/accounts", r#"{"name": "a", "settings": []}"#),
        ("POST /v1/accounts", r#"{"name": "a", "settings": [null, "https://vault.example/token"]}"#),
        ("PATCH /v1/accounts/default", r#"{"token_file": ["/home/token"]}"#),
        ("POST /v1/accounts/default/login", r#"{"credential": "r", "settings": []}"#),
        ("POST /v1/accounts/default/refresh", r#"{"min_valid": 60.5}"#),
        ("POST /v1/accounts/default/refresh", r#"{"min_valid": 1, "min_valid": 2}"#),
    ] {
        api.call(call, body, 400).await;
    }
    for sixty in ["60", "60.0", "6e1"] {
        api.call("POST /v1/accounts/default/refresh", &format!(r#"{{"min_valid": {sixty}}}"#), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_is_signed_out_and_a_log_out_says_that_the_server_was_not_asked() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut api = Caller::of(&scene.desktop);
    let settings = json!({ "endpoint": scene.sandbox.endpoint() });
    let new = api.call("POST /v1/accounts", &json!({ "name": "new", "settings": settings }).to_string(), 201).await;
    assert_eq!(new["state"], "signed-out");

    let answer = api.call("POST /v1/accounts/default/logout", "", 200).await;
    assert_eq!(answer["revocation"]["confirmed"], false);
    let grant = scene.sandbox.sign_in().await.refresh_token;
    scene.desktop.login_with("default", &scene.sandbox, &grant).await.succeeded();
    let said = scene.desktop.evertoken("logout default").await.succeeded().to_owned();
    assert!(said.contains("it was not asked, because the account has no revocation endpoint"), "{said}");
    let said = scene.desktop.evertoken("logout default").await.succeeded().to_owned();
    assert!(!said.contains("server"), "there was nothing to revoke: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_events_begins_with_a_whole_report() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut curl = scene.desktop.environment.command("curl");
    curl.args(["-siN", "--max-time", "1", "--unix-socket"]).arg(scene.desktop.socket());
    let outcome = Outcome::of(
        {
            curl.arg("http://localhost/v1/events");
            curl
        },
        b"",
    )
    .await;

    let (head, events) = outcome.stdout.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream"), "{head}");
    let mut lines = events.lines();
    assert_eq!(lines.next(), Some("event: status"));
    let report = Schema::named("status").describes_text(lines.next().unwrap().strip_prefix("data: ").unwrap());
    assert_eq!(report["accounts"][0]["state"], "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_web_page_gets_the_documented_refusal_from_every_call() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut api = Caller::of(&scene.desktop);
    for (method, path, _) in operations(&document()) {
        let call = format!("{} {}", method.to_uppercase(), path.replace("{name}", "-"));
        // The head goes on after the request line.
        let refused = scene.desktop.api(&format!("{call} HTTP/1.1\r\nOrigin: https://evil.example\r\nX:"), "").await;
        let answer = refused.unwrap();
        assert_eq!(answer.status, 403, "{call}");
        Schema::named("problem").describes(&answer.body);
    }
    assert_eq!(api.call("GET /v1/status", "", 200).await["accounts"][0]["state"], "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_is_gone_and_a_disk_that_refuses_are_answered_as_documented() {
    let desktop = Desktop::without_screen().await;
    let keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 8s").await;
    let _agent = Agent::start(&desktop).await;
    desktop.login("default", &sandbox).await;
    let mut api = Caller::of(&desktop);

    api.call("POST /v1/accounts/-/copy", "", 503).await;
    sandbox.fault(json!({ "status": 503, "times": 1000 })).await;
    eventually("a refresh is due, and fails", async || {
        (desktop.api("POST /v1/accounts/-/refresh", "{}").await?.status != 200).then_some(())
    })
    .await;
    api.call("POST /v1/accounts/-/refresh", "{}", 503).await;
    std::fs::remove_dir_all(desktop.environment.path("config/evertoken")).unwrap();
    std::fs::write(desktop.environment.path("config/evertoken"), "in the way").unwrap();
    api.call("PATCH /v1/settings", r#"{"clear_clipboard_after": "31s"}"#, 500).await;
    keyring.kill();
    api.call("POST /v1/accounts/-/logout", "", 503).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_another_version_is_told_what_is_served_and_what_to_do() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let own = env!("CARGO_PKG_VERSION");
    for (call, said) in [
        ("GET /v2/status", "version 2 was asked for"),
        ("GET /v0/status", "version 0 was asked for"),
        ("GET /v1/from-the-future", "no such call"),
        ("PUT /v1/status", "no such call"),
        ("GET /", "no such call"),
    ] {
        let answer = scene.desktop.api(call, "").await.unwrap();
        assert_eq!((answer.status, &answer.body["type"]), (404, &json!("urn:evertoken:no-such-call")), "{call}");
        Schema::named("problem").describes(&answer.body);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(own) && detail.contains("serves version 1") && detail.contains(said), "{detail}");
        assert!(answer.body["advice"].as_str().unwrap().contains("restart the agent"), "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_meets_an_agent_of_another_version_names_both_versions() {
    let body = r#"{"type":"urn:evertoken:no-such-call","status":404,"detail":"No.","advice":"No."}"#;
    let head = "404 Not Found\r\nContent-Type: application/problem+json\r\nServer: evertoken/9.9.9";
    let desktop = Desktop::without_screen().await;
    desktop.pretend_to_be_the_agent(head, body);
    for command in ["status", "token", "refresh", "status --watch", "history"] {
        let outcome = desktop.evertoken(command).await;
        let said = outcome.failed(1);
        let both = said.contains("9.9.9") && said.contains(env!("CARGO_PKG_VERSION"));
        assert!(both && said.contains("Restart it"), "{command}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_document_can_be_pasted() {
    let desktop = Desktop::with_screen().await;
    let scene = Scene::signed_out(desktop, "--expires-in 1h").await;
    scene.desktop.login("Sandbox", &scene.sandbox).await;
    let credential = scene.sandbox.sign_in().await.refresh_token;
    std::fs::write(scene.desktop.environment.path("home/refresh-token.txt"), credential).unwrap();
    let mut operations = operations(&document());
    // The account is still needed by the others, and has to be logged out to be removed.
    operations.sort_by_key(|(method, path, _)| (method == "delete", path.ends_with("/logout")));
    for (method, path, operation) in operations {
        let example = operation["x-codeSamples"][0]["source"].as_str().unwrap();
        let mut shell = scene.desktop.environment.command("bash");
        let socket = "S=${EVERTOKEN_SOCKET:-$XDG_RUNTIME_DIR/evertoken/agent.sock}";
        shell.args(["-c", &format!("set -o pipefail\n{socket}\n{example}")]);
        let outcome = Outcome::of(shell, b"").await;
        // curl ends the stream of events after the time it was given.
        let has_ended_well = outcome.code == 0 || path == "/v1/events" && outcome.code == 28;
        // The account of this name is there already.
        // This server has no other way to sign in.
        let may_be_refused = path == "/v1/accounts" || path.contains("/login/");
        let is_refused = outcome.stdout.contains("urn:evertoken:") && !may_be_refused;
        assert!(has_ended_well && !is_refused, "{method} {path}: {outcome:?}");
        let is_silent = matches!(outcome.stdout.trim(), "" | "null");
        assert!(!is_silent || method == "delete" || path == "/v1/access", "{method} {path}: {outcome:?}");
    }
}
