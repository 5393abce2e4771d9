//! The history in the window: what happened in the last days, as a picture and as a table.

use std::fs::OpenOptions;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::desktop::{Clipboard, Desktop, Scene, Window};

const TRACE_ID: &str = "b7c1f3d2-94a1-4c8e-9a55-1f2e3d4c5b6a";

/// A week as the agent would have noted it before the last log-in: refreshes, a night offline, a server that failed, a
/// refusal, and a new log-in; two nights asleep, and a sleep that nothing came of.
pub(crate) fn live_through_a_week(desktop: &Desktop, account: &str) {
    let path = desktop.environment.account_file(account, "journal");
    let since = std::fs::read_to_string(&path).unwrap();
    let now = Timestamp::now();
    let at = |hours_ago: i64| now - SignedDuration::from_hours(hours_ago);
    let fingerprint = "1f3a9c0b7d21";
    let stored = |ago: i64, rotations: u64| {
        json!({ "at": at(ago), "event": "stored", "fingerprint": fingerprint, "rotations": rotations,
            "expires_at": at(ago - 24) })
    };
    let not_sent = |ago: i64| {
        json!({ "at": at(ago), "event": "not-sent", "fingerprint": fingerprint,
            "reason": "no connection to api.vault.ist" })
    };
    let declined = |ago: i64| {
        json!({ "at": at(ago), "event": "declined", "fingerprint": fingerprint,
            "reason": "the endpoint asks to try again later (HTTP 503)" })
    };
    let lines = [
        stored(160, 0),
        json!({ "at": at(160), "event": "logged-in", "fingerprint": fingerprint }),
        stored(142, 1),
        stored(124, 2),
        not_sent(106),
        not_sent(103),
        not_sent(99),
        stored(96, 3),
        stored(78, 4),
        declined(60),
        declined(59),
        stored(58, 5),
        json!({ "at": at(40), "event": "refused", "fingerprint": fingerprint, "trace_id": TRACE_ID }),
        json!({ "at": at(40), "event": "told", "fingerprint": fingerprint }),
        stored(20, 0),
        json!({ "at": at(20), "event": "logged-in", "fingerprint": fingerprint }),
    ];
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    write!(file, "{since}").unwrap();
    let slept =
        |ago: i64, length: SignedDuration| json!({ "at": at(ago) + length, "event": "slept", "since": at(ago) });
    let sleeps = [
        slept(152, SignedDuration::from_hours(9)),
        slept(75, SignedDuration::from_hours(8)),
        slept(66, SignedDuration::from_secs(5)),
    ];
    let lines: String = sleeps.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(desktop.environment.path("state/evertoken/sleep.jsonl"), lines).unwrap();
}

async fn open_history(scene: &Scene) -> Window {
    scene.desktop.evertoken("open").await.succeeded();
    let window = Window::appears(&scene.desktop).await;
    window.click(r#"[data-action="history"]"#).await;
    window.find(r#"[data-view="history"] [role="option"]"#).await;
    window
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_seen_at_a_glance_and_read_as_a_table() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    live_through_a_week(&scene.desktop, "default");
    let window = open_history(&scene).await;

    let summary = window.text(r#"[data-view="history"] [data-field="summary"]"#).await;
    assert_eq!(
        summary,
        "3 log-ins, 5 refreshes, 1 time offline, 1 failure, 1 refusal and 2 times asleep in the last 7 days."
    );
    let rows = window.run("document.querySelectorAll('[data-view=history] tbody tr:not(.day)').length").await;
    let marks = window.run("document.querySelectorAll('[role=option]').length").await;
    assert_eq!((&rows, &marks), (&json!(13), &json!(13)), "the picture and the table tell the same");
    let offline = window.run("document.querySelector('[data-kind=offline]').getAttribute('aria-label')").await;
    assert!(offline.as_str().unwrap().contains("Not reached, 3 times. No connection to api.vault.ist."), "{offline}");

    window.click(r#"[data-view="history"] input[value="day"]"#).await;
    window.text_until(r#"[data-view="history"] [data-field="summary"]"#, |text| text.contains("24 hours")).await;
    assert_eq!(window.run("document.querySelectorAll('[data-kind=offline]').length").await, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_asleep_is_seen_across_the_token_that_lived_through_it() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    live_through_a_week(&scene.desktop, "default");
    let window = open_history(&scene).await;

    let rows = "[...document.querySelectorAll('[data-view=history] tbody tr:not(.day)')].map((row) => row.innerText)";
    let rows = window.run(rows).await;
    let asleep = rows.as_array().unwrap().iter().filter_map(Value::as_str).filter(|row| row.contains("Asleep"));
    let told: Vec<_> = asleep.map(|row| row.rsplit("Asleep").next().unwrap().trim()).collect();
    assert_eq!(told, ["For 8 h 0 min.", "For 9 h 0 min."]);
    let seen = window
        .run(
            "(() => { const place = (name) => document.querySelector(`[role=listbox] ${name}`).getBoundingClientRect();
            const [sleep, foot, token] = [place('.asleep'), place('.foot'), place('.life-of-token')];
            const pointed = document.elementFromPoint(foot.left + foot.width / 2, foot.top - 6);
            return [token.left < sleep.left && sleep.right < token.right, sleep.top <= token.top,
                sleep.bottom >= token.bottom, pointed.closest('[role=option]')?.dataset.kind]; })()",
        )
        .await;
    assert_eq!(seen, json!([true, true, true, "asleep"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_is_read_with_the_keyboard_alone() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    live_through_a_week(&scene.desktop, "default");
    let window = open_history(&scene).await;
    let told = r#"[data-view="history"] [data-field="told"]"#;
    assert!(window.text(told).await.contains("Logged in"), "the newest is told first");

    window.run("document.querySelector('[role=option][tabindex=\"0\"]').focus()").await;
    window.press("\u{e012}\u{e012}").await;

    let text = window.text_until(told, |text| text.contains("Login refused")).await;
    assert!(text.contains("The endpoint did not say why."), "{text}");
    assert_eq!(window.run("document.querySelectorAll('[role=option][tabindex=\"0\"]').length").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_id_is_copied_for_support() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    live_through_a_week(&scene.desktop, "default");
    let window = open_history(&scene).await;

    window.click(r#"[data-action="copy-trace"]"#).await;

    Clipboard::of(&scene.desktop).until("the trace id is on the clipboard", |text| text == TRACE_ID).await;
    assert_eq!(
        window.run("navigator.clipboard.readText().then(() => true, () => false)").await,
        Value::Bool(false),
        "the page reads no clipboard"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_history_follows_what_happens() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 24h").await;
    let window = open_history(&scene).await;
    assert!(!window.has("[data-kind=logged-out]").await);

    scene.desktop.evertoken("logout default").await.succeeded();

    window.find("[data-kind=logged-out]").await;
}
