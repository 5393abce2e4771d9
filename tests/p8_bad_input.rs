//! P8: whatever is in a file, in a request or on standard input gives a clear error and loses nothing.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use evertoken_core::login::journal::{Entry, Record, parse, summarize};
use evertoken_core::oauth::token::Fingerprint;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::desktop::{Agent, Scene, effort, random_bits};

/// How many inputs are tried: in this process, on a running agent, and each with a process of its own.
const PARSED: (usize, usize) = (500, 50_000);
const ASKED: (usize, usize) = (400, 20_000);
const STARTED: (usize, usize) = (24, 1_000);

fn runner(count: (usize, usize)) -> TestRunner {
    let cases = effort(count.0, count.1).try_into().unwrap();
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// Inputs as a strategy makes them, for tests that have to wait between them.
fn samples<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: (usize, usize)) -> Vec<T> {
    let mut runner = runner(count);
    (0..effort(count.0, count.1)).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn record() -> impl Strategy<Value = Record> + Clone {
    let fingerprint = (0_u8..4).prop_map(|number| Fingerprint::of(&number.to_string()));
    let reason = "\\PC{0,40}";
    prop_oneof![
        fingerprint.clone().prop_map(|fingerprint| Record::Presented { fingerprint }),
        (fingerprint.clone(), any::<u64>()).prop_map(|(fingerprint, rotations)| Record::Stored {
            fingerprint,
            rotations,
            expires_at: Timestamp::UNIX_EPOCH
        }),
        (fingerprint.clone(), reason).prop_map(|(fingerprint, reason)| Record::NotSent { fingerprint, reason }),
        (fingerprint.clone(), reason).prop_map(|(fingerprint, reason)| Record::OutcomeUnknown { fingerprint, reason }),
        (fingerprint.clone(), reason).prop_map(|(fingerprint, reason)| Record::Declined {
            fingerprint,
            reason,
            retry_after: None
        }),
        fingerprint.clone().prop_map(|fingerprint| Record::Refused {
            fingerprint,
            expired_at: None,
            trace_id: None,
            reason: None
        }),
        fingerprint.clone().prop_map(|fingerprint| Record::Told { fingerprint, boot: String::new() }),
        fingerprint.clone().prop_map(|fingerprint| Record::LoggedIn { fingerprint }),
        (fingerprint, proptest::option::of(reason)).prop_map(|(fingerprint, reason)| Record::Revoked {
            fingerprint,
            confirmed: reason.is_none(),
            reason
        }),
        prop_oneof![Just(Record::LoggedOut), Just(Record::Slept { since: Timestamp::UNIX_EPOCH })],
    ]
}

/// What a journal may hold after accidents: lines of ours and bytes that nobody wrote.
fn torn_journal() -> impl Strategy<Value = Vec<u8>> {
    let line = record().prop_map(|record| Entry { at: Timestamp::UNIX_EPOCH, record }.to_line().into_bytes());
    let torn = (line.clone(), any::<prop::sample::Index>()).prop_map(|(mut line, at)| {
        line.truncate(at.index(line.len()));
        line
    });
    let noise = prop::collection::vec(any::<u8>(), 0..60);
    prop::collection::vec(prop_oneof![6 => line, 1 => torn, 1 => noise], 0..40).prop_map(|parts| parts.concat())
}

#[test]
fn p8_no_journal_can_be_written_that_stops_the_agent_from_reading_the_lines_that_are_whole() {
    runner(PARSED)
        .run(&(torn_journal(), prop::collection::vec(record(), 0..20)), |(noise, records)| {
            let _ = summarize(&parse(&noise));
            let at = Timestamp::UNIX_EPOCH;
            let entries: Vec<Entry> = records.into_iter().map(|record| Entry { at, record }).collect();
            let lines: String = entries.iter().map(Entry::to_line).collect();
            prop_assert_eq!(&parse(lines.as_bytes()), &entries);
            // Whatever stands before them, the lines after the next newline count.
            let spoilt = [noise, b"\n".to_vec(), lines.into_bytes()].concat();
            let read = parse(&spoilt);
            prop_assert!(read.ends_with(&entries));
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_no_bytes_in_the_journal_cost_the_login_that_the_keychain_holds() {
    let mut scene = Scene::logged_in("--expires-in 10m --grace 0").await;
    let token = scene.desktop.token().await;
    let journal = scene.desktop.environment.account_file("default", "journal");
    let whole = std::fs::read(&journal).unwrap();
    // Records of other tokens and noise; what the journal knew of this login stands before, after or nowhere.
    for (number, noise) in samples(torn_journal(), STARTED).into_iter().enumerate() {
        scene.agent.kill();
        let newline = b"\n".to_vec();
        let bytes = match number % 3 {
            0 => [&whole[..], &noise].concat(),
            1 => [noise, newline, whole.clone()].concat(),
            _ => noise,
        };
        std::fs::write(&journal, &bytes).unwrap();
        scene.agent = Agent::start(&scene.desktop).await;
        scene.settled(&format!("the login lives with the journal {:?}", String::from_utf8_lossy(&bytes))).await;
        assert_eq!(scene.desktop.token_over_the_socket("default").await.as_ref(), Some(&token));
        scene.desktop.evertoken("history").await.succeeded();
    }
    assert_eq!(scene.sandbox.requests().await.len(), 1, "no journal is a reason to send");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "name", "credential", "settings", "min_valid", "default", "endpoint", "headers", "encoding", "preset",
            "client_id", "clear_clipboard_after", "notifications", "keychain", "version",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,10}",
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// No answer may repeat it.
const SECRET: &str = "s3cret-that-must-not-be-repeated";

/// A request that any program may send: the account `victim` may be changed, `default` may not.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let call = prop::sample::select(vec![
        "POST /v1/accounts",
        "POST /v1/accounts/victim/login",
        "POST /v1/accounts/victim/refresh",
        "POST /v1/accounts/victim/logout",
        "PATCH /v1/accounts/victim",
        "DELETE /v1/accounts/victim",
        "PATCH /v1/settings",
        "POST /v1/accounts/default/login",
        "POST /v1/accounts/default/refresh",
        "GET /v1/accounts/default/token",
        "PUT /v1/status",
    ]);
    let secret = prop::sample::select(vec![
        json!(SECRET),
        json!([SECRET]),
        json!({ "credential": [SECRET] }),
        json!({ "credential": format!("{SECRET} and more") }),
        json!({ "credential": format!("{{\"refresh_token\":[\"{SECRET}\"") }),
        json!({ "credential": "x", "settings": [SECRET] }),
    ]);
    let body = prop_oneof![
        3 => json_value().prop_map(|value| value.to_string().into_bytes()),
        1 => secret.prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ];
    let any_path = "/[ -~]{0,60}".prop_map(|path| format!("GET {path}"));
    let call = prop_oneof![8 => call.prop_map(str::to_owned), 1 => any_path];
    (call, body).prop_map(|(call, body)| {
        let length = body.len();
        let head =
            format!("{call} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        [head.into_bytes(), body].concat()
    })
}

/// Says it and hears the answer out.
fn ask(socket: &Path, request: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_no_request_to_the_local_api_is_answered_with_less_than_a_problem_or_costs_the_login() {
    let scene = Scene::logged_in("--expires-in 1h --grace 0").await;
    let token = scene.desktop.token().await;
    let socket = scene.desktop.socket();

    // Each account that a request makes by chance belongs to nobody's login.
    let all = tokio::task::spawn_blocking(move || {
        runner(ASKED).run(&request(), |request| {
            let answer = ask(&socket, &request);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                return Err(TestCaseError::fail(format!("no answer: {text:?}")));
            };
            let status: u16 = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
            prop_assert!((200..600).contains(&status) && status != 500, "{}", text);
            prop_assert!(!text.contains(SECRET), "the input is repeated: {}", text);
            if status >= 400 && !body.is_empty() {
                prop_assert!(head.to_lowercase().contains("application/problem+json"), "{}", text);
                let problem: Value = serde_json::from_str(body).unwrap_or_default();
                prop_assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{}", text);
            }
            Ok(())
        })
    });
    all.await.unwrap().unwrap();

    let status = scene.desktop.status().await;
    assert_eq!(status.state("default"), "valid");
    assert!(scene.sandbox.takes(&status.fingerprint("default")).await);
    assert_eq!(scene.desktop.evertoken("token default").await.succeeded(), token);
}

/// What may come over standard input instead of a refresh token.
fn credential() -> impl Strategy<Value = Vec<u8>> {
    let response = json_value().prop_map(|value| json!({ "refresh_token": value }).to_string().into_bytes());
    prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => "[ -~\\n\\t]{0,200}".prop_map(String::into_bytes),
        1 => "[A-Za-z0-9._-]{17,80}".prop_map(String::into_bytes),
        1 => json_value().prop_map(|value| value.to_string().into_bytes()),
        2 => response,
        1 => (60_000_usize..70_000).prop_map(|length| vec![b'x'; length]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_nothing_that_is_given_to_login_costs_the_login_that_is_there_or_is_repeated() {
    let scene = Scene::logged_in("--expires-in 1h --grace 0").await;
    let token = scene.desktop.token().await;
    let arguments = format!("login default --endpoint {}", scene.sandbox.endpoint());
    let mark = format!("canary{:016x}", random_bits());
    for mut input in samples(credential(), STARTED) {
        // In the middle, so that it is neither a first nor a last character that may be cut off.
        let middle = input.len() / 2;
        input.splice(middle..middle, mark.bytes());
        let shown = String::from_utf8_lossy(&input[..input.len().min(300)]).into_owned();

        let outcome = crate::desktop::Outcome::of(scene.desktop.command(&arguments), &input).await;

        assert!(matches!(outcome.code, 1..=4), "{shown:?}: {outcome:?}");
        let said = outcome.failed(outcome.code);
        assert!(!said.contains(&mark), "the input is repeated: {said}");
        let status = scene.desktop.status_over_the_socket().await.unwrap();
        assert_eq!(status.state("default"), "valid", "{shown:?}");
    }
    assert_eq!(scene.desktop.token().await, token);
}
