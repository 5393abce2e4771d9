//! Calls as chance makes them from the document: each is answered as the document says, and never by a failure of ours.

use serde_json::{Map, Number, Value, json};

use super::{Caller, document, operations};
use crate::desktop::{Desktop, Scene, docs, effort, note, random_bits};

/// How often in ten a value is not of the kind that the schema asks for.
const ASTRAY: u64 = 2;
/// Looks for a failure again, by the seed that a run has printed.
const SEED: &str = "EVERTOKEN_SEED";

/// What makes a call more than a mistake.
struct Known {
    endpoint: String,
    /// A file that the agent may write.
    file: String,
}

/// Chance that can be had again (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_of<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }

    fn text(&mut self, known: &Known) -> Value {
        let long = "x".repeat(70_000);
        let texts = [
            "",
            "a",
            "b",
            "-",
            "default",
            "90s",
            "1d",
            "0s",
            "https://",
            "http://example.org/x",
            "\u{202e}\n\u{9b}",
            "/nowhere/file",
            "Authorization",
            "0123456789ab",
            &known.endpoint,
            &known.file,
            &long,
        ];
        json!(self.one_of(&texts))
    }

    fn number(&mut self) -> Value {
        let numbers = ["0", "1", "-1", "60", "60.0", "0.5", "18446744073709551615", "1e300", "4294967296"];
        let text = *self.one_of(&numbers);
        text.parse().map_or_else(|_| json!(text), |number: Number| Value::Number(number))
    }

    /// Anything at all.
    fn anything(&mut self, known: &Known) -> Value {
        match self.below(7) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => self.number(),
            3 => self.text(known),
            4 => json!([]),
            5 => json!([self.number(), self.text(known)]),
            _ => json!({ "a": self.text(known), "credential": [] }),
        }
    }

    /// A value of this schema, or nearly.
    fn value(&mut self, schema: &Value, root: &Value, known: &Known) -> Value {
        if self.below(10) < ASTRAY {
            return self.anything(known);
        }
        if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            return self.value(root.pointer(pointer).unwrap(), root, known);
        }
        for choice in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[choice].as_array() {
                let chosen = self.one_of(choices).clone();
                return self.value(&chosen, root, known);
            }
        }
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(choices) = schema["enum"].as_array() {
            return self.one_of(choices).clone();
        }
        let kinds = schema["type"].as_array();
        let kind = kinds.map_or_else(|| schema["type"].clone(), |kinds| self.one_of(kinds).clone());
        match kind.as_str().unwrap_or_default() {
            "object" => self.object(schema, root, known),
            "array" => (0..self.below(3)).map(|_| self.value(&schema["items"], root, known)).collect(),
            "integer" | "number" => self.number(),
            "boolean" => json!(self.below(2) == 0),
            "null" => Value::Null,
            _ => self.text(known),
        }
    }

    fn object(&mut self, schema: &Value, root: &Value, known: &Known) -> Value {
        let mut members = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
            if self.below(10) < if is_required { 9 } else { 3 } {
                let value = match name.as_str() {
                    "path" if self.below(2) == 0 => json!(known.file),
                    "endpoint" if self.below(2) == 0 => json!(known.endpoint),
                    _ => self.value(member, root, known),
                };
                members.insert(name.clone(), value);
            }
        }
        if schema["additionalProperties"].is_object() || self.below(10) == 0 {
            members.insert("X-Any".to_owned(), self.text(known));
        }
        Value::Object(members)
    }

    /// A call of this operation: its request line and its body.
    fn call(&mut self, (method, path, operation): &(String, String, Value), known: &Known) -> (String, String) {
        let name = *self.one_of(&["a", "a", "a", "b", "-", "default", "gone", "%00", "a%2Fb"]);
        let query = match operation["parameters"].as_array() {
            Some(_) => *self.one_of(&["", "?min_valid=0", "?min_valid=60", "?min_valid=soon", "?min_valid=-1", "?x=1"]),
            None => "",
        };
        let line = format!("{} {}{query}", method.to_uppercase(), path.replace("{name}", name));
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let Some(name) = schema.and_then(|name| name.strip_prefix("schemas/")?.strip_suffix(".json")) else {
            return (line, String::new());
        };
        let schema =
            serde_json::from_str(&std::fs::read_to_string(docs(&format!("schemas/{name}.json"))).unwrap()).unwrap();
        let mut body = self.value(&schema, &schema, known).to_string();
        if self.below(10) == 0 {
            body = body.chars().take(body.chars().count() / 2).collect();
        }
        (line, body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_made_by_chance_meets_a_failure_or_an_answer_outside_the_document() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(random_bits) | 1;
    note(&format!("to make the same calls again: {SEED}={seed}"));
    let mut chance = Chance(seed);
    let mut desktop = Desktop::with_screen().await;
    // An account may be given Vault's own endpoint: nothing leaves this machine.
    desktop.environment.set("https_proxy", "http://127.0.0.1:9");
    let scene = Scene::signed_out(desktop, "--expires-in 1h").await;
    let file = scene.desktop.environment.path("home/token").display().to_string();
    let known = Known { endpoint: scene.sandbox.endpoint(), file };
    let credential = scene.sandbox.sign_in().await.refresh_token;
    let mut api = Caller::of(&scene.desktop);
    let account = json!({ "name": "a", "settings": { "endpoint": known.endpoint } }).to_string();
    assert_eq!(api.ask("POST /v1/accounts", &account).await.status, 201);
    assert_eq!(
        api.ask("POST /v1/accounts/a/login", &json!({ "credential": credential }).to_string()).await.status,
        200
    );
    // A stream has no end.
    let mut all: Vec<_> = operations(&document()).into_iter().filter(|(_, path, _)| path != "/v1/events").collect();
    // What takes a body comes three times as often.
    let bodies: Vec<_> = all.iter().filter(|(.., operation)| operation["requestBody"].is_object()).cloned().collect();
    all.extend(bodies.iter().chain(&bodies).cloned());
    for _ in 0..effort(1_200, 50_000) {
        let operation = chance.one_of(&all);
        let (call, body) = chance.call(operation, &known);
        let answer = api.ask(&call, &body).await;
        // The server's failure is no failure of ours.
        let is_the_servers = answer.body["type"] == "urn:evertoken:try-later";
        assert!(answer.status < 500 || is_the_servers, "{call} {body}: {:#}", answer.body);
    }
    assert_eq!(api.ask("GET /v1/status", "").await.status, 200);
    let changed = api.called.iter().filter(|(method, _, status)| method != "get" && *status < 300);
    assert!(changed.count() >= 5, "too few calls did anything: {:?}", api.called);
}
