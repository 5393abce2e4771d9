//! The commands that people and scripts hold on to, with one account and with several.

use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::desktop::{Desktop, Faketime, Keyring, Outcome, Sandbox, Scene, Schema, System, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn token_and_header_print_what_a_script_expects_and_nothing_else() {
    let scene = Scene::logged_in("--expires-in 1h").await;

    let token = scene.desktop.evertoken("token").await;
    let header = scene.desktop.evertoken("header").await;
    let json = scene.desktop.evertoken("token --json").await;

    assert_eq!((token.stderr.as_str(), token.stdout.lines().count()), ("", 1));
    assert!(token.stdout.ends_with('\n'));
    assert_eq!(header.succeeded(), format!("Authorization: Bearer {}", token.succeeded()));
    let json: Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["access_token"], token.succeeded());
    assert!(json["expires_in"].as_i64().is_some_and(|left| (3500..=3600).contains(&left)), "seconds left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_early_is_no_failure() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let mut command = tokio::process::Command::from(scene.desktop.command("token"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());

    assert!(child.wait().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_has_the_documented_fields() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 1h").await;
    let response = scene.sandbox.sign_in_response().await;
    let grant = scene.sandbox.sign_in().await;
    scene.desktop.login_with("default", &scene.sandbox, &response.to_string()).await.succeeded();

    let status = scene.desktop.status().await;

    let account = status.account("default");
    assert_eq!(account["endpoint"], scene.sandbox.endpoint());
    assert_eq!(account["state"], "valid");
    assert!(account["user_id"].as_str().is_some_and(|user| user.starts_with("usr:")), "{account}");
    assert!(grant.user_id.starts_with("usr:") && grant.expires_in == 3600);
    let scope: Vec<_> = account["scope"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(scope.join(" "), grant.scope);
    assert!((3500..=3600).contains(&status.expires_in("default")));
    assert_eq!(account["refresh"]["failures"], 0);
    assert_eq!(account["refresh"]["last_error"], Value::Null);
    assert_eq!(account["login"]["reason"], Value::Null);
    for time in ["/access_token/expires_at", "/refresh/next_at", "/refresh/last_success_at", "/refresh_token/stored_at"]
    {
        let value = account.pointer(time).and_then(Value::as_str).unwrap_or_default();
        assert!(value.starts_with("20") && value.ends_with('Z'), "{time} is UTC: {value}");
    }
    assert_eq!(status.fingerprint("default").len(), 12);
    let human = scene.desktop.evertoken("status").await;
    assert!(human.succeeded().contains("default") && human.succeeded().contains("valid"), "{human:?}");
    assert!(!human.stdout.contains('\u{1b}'), "colour only on a terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_every_change() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let mut follower = scene.desktop.follow();
    let first = follower.until("the first snapshot", |_| true).await;

    follower.until("refreshing", |status| status.state("default") == "refreshing").await;
    let renewed = follower.until("valid", |status| status.state("default") == "valid").await;

    assert_eq!(renewed.rotations("default"), first.rotations("default") + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_live_side_by_side() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 1h").await;
    let Scene { desktop, sandbox, .. } = &scene;
    desktop.login("work", sandbox).await;
    let grant = sandbox.sign_in().await;
    let second = desktop.login_with("home", sandbox, &grant.refresh_token).await;
    assert!(second.succeeded().contains("The default account is still work."), "{second:?}");
    assert!(second.stdout.contains("evertoken token home"), "says how to use it: {second:?}");
    assert_eq!(desktop.status().await.names(), ["home", "work"], "ordered by name");
    let work = desktop.evertoken("token work").await.succeeded().to_owned();
    let home = desktop.evertoken("token home").await.succeeded().to_owned();
    assert_ne!(work, home);

    assert_eq!(desktop.token().await, work, "a script that named none gets what it got before");
    desktop.evertoken("account default home").await.succeeded();
    assert_eq!(desktop.token().await, home);
    let mut named = desktop.command("token");
    named.env("EVERTOKEN_ACCOUNT", "work");
    assert_eq!(Outcome::of(named, b"").await.succeeded(), work, "unless the environment names another");
    let mut misspelt = desktop.command("token");
    misspelt.env("EVERTOKEN_ACCOUNT", "a b");
    assert!(Outcome::of(misspelt, b"").await.failed(2).contains("EVERTOKEN_ACCOUNT"));
    desktop.evertoken("account default work").await.succeeded();

    desktop.evertoken("account rename work office").await.succeeded();
    assert_eq!(desktop.token().await, work, "a renamed account keeps login and default");
    let requests = sandbox.requests().await.len();
    desktop.evertoken("logout home").await.succeeded();
    assert_eq!(desktop.status().await.state("home"), "signed-out");
    assert_eq!(desktop.status().await.state("office"), "valid");
    desktop.evertoken("account remove home").await.succeeded();
    assert_eq!(desktop.status().await.names(), ["office"]);
    let list = desktop.evertoken("account list").await;
    assert!(list.succeeded().contains("office") && !list.stdout.contains("home"), "{list:?}");
    assert_eq!(sandbox.requests().await.len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_account_is_still_logged_in_after_a_restart() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    scene.desktop.evertoken("account rename default work").await.succeeded();

    scene.crash_and_restart().await;

    scene.desktop.until_state("work", "valid").await;
    assert_eq!(scene.desktop.token().await, token);
    assert_eq!(scene.desktop.status().await.names(), ["work"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_what_happened_last_night() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    scene.sandbox.requests_reach(2).await;
    scene.sandbox.expire().await;
    scene.desktop.until_state("default", "login-required").await;

    let human = scene.desktop.evertoken("history").await;
    let json: Value = serde_json::from_str(scene.desktop.evertoken("history --json").await.succeeded()).unwrap();

    assert!(human.succeeded().lines().count() >= 3, "{human:?}");
    let text = json.to_string();
    for event in ["logged-in", "presented", "stored", "refused"] {
        assert!(text.contains(event), "{event} is missing in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_when_the_machine_slept() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let mut scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    let logged_in = scene.desktop.journal("default");
    let begin = Timestamp::now();
    system.suspend().await;
    // A machine that is about to be suspended still answers.
    scene.desktop.status().await;
    let asleep = Timestamp::now();

    system.resume().await;

    let slept = eventually("the sleep is noted", async || slept(&scene.desktop).await.pop()).await;
    let instant = |name: &str| slept[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let (since, until) = (instant("since"), instant("at"));
    assert!(begin <= since && since < asleep && asleep < until && until < Timestamp::now(), "{slept}");
    assert_eq!(scene.desktop.journal("default"), logged_in, "what a start reads is not filled with it");
    assert_eq!(scene.desktop.environment.mode("state/evertoken/sleep.jsonl"), 0o600);
    let human = scene.desktop.evertoken("history").await;
    assert!(human.succeeded().contains("the machine woke up; it slept since "), "{human:?}");

    scene.crash_and_restart().await;
    scene.desktop.until_state("default", "valid").await;
    assert_eq!(self::slept(&scene.desktop).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_while_the_machine_sleeps_makes_the_sleep_no_longer() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 1h").await;
    let mut clock = Faketime::of(&desktop);
    let _agent = clock.start_agent(&mut desktop).await;
    desktop.login("default", &sandbox).await;
    let begin = Timestamp::now();
    system.suspend().await;
    desktop.status().await;

    clock.set(SignedDuration::from_hours(2));
    system.resume().await;

    let slept = eventually("the sleep is noted", async || slept(&desktop).await.pop()).await;
    let instant = |name: &str| slept[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let length = instant("at").duration_since(instant("since"));
    assert!(!length.is_negative() && length <= Timestamp::now().duration_since(begin), "{length}");
}

pub(crate) async fn slept(desktop: &Desktop) -> Vec<Value> {
    let history = Schema::named("history").describes_text(desktop.evertoken("history --json").await.succeeded());
    let entries = history["entries"].as_array().unwrap().iter();
    entries.filter(|entry| entry["event"] == "slept").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_form_encoding_and_headers_works_too() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--encoding form").await;
    let grant = scene.sandbox.sign_in().await;
    let endpoint = scene.sandbox.url("/oauth/token");
    let mut command = scene.desktop.command(&format!("login old --encoding form --endpoint {endpoint} --header"));
    command.arg("X-Merchant-ID: m-1");

    let outcome = crate::desktop::Outcome::of(command, grant.refresh_token.as_bytes()).await;

    outcome.succeeded();
    let token = scene.desktop.evertoken("token old").await;
    assert_eq!(scene.sandbox.user_info(token.succeeded()).await, 200);
    let sent = scene.sandbox.requests().await.pop().unwrap().headers;
    assert!(["x-merchant-id", "accept"].iter().all(|name| sent.iter().any(|sent| sent == name)), "{sent:?}");
    let before = scene.sandbox.requests().await.len();
    for header in ["Host: evil.example", "accept-encoding: gzip", "Range: bytes=0-9", "X_Forwarded_Host: evil.example"]
    {
        let mut command = scene.desktop.command(&format!("login new --encoding form --endpoint {endpoint} --header"));
        command.arg(header);
        let refused = crate::desktop::Outcome::of(command, b"r").await;
        assert!(refused.failed(2).contains("could change what the request asks"), "{header}: {refused:?}");
    }
    assert_eq!(scene.sandbox.requests().await.len(), before, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_waits_for_the_outcome() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let rotations = scene.desktop.status().await.rotations("default");
    crate::desktop::eventually("a refresh that sends", async || {
        scene.desktop.evertoken("refresh").await.succeeded();
        (scene.desktop.status().await.rotations("default") > rotations).then_some(())
    })
    .await;

    assert_eq!(scene.desktop.status().await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_waits_for_no_refresh_and_takes_no_name_that_is_taken() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    scene.desktop.login("taken", &scene.sandbox).await;
    let id = scene.desktop.environment.account_id("default");
    scene.sandbox.fault(json!({ "hold_before_commit": "refresh" })).await;
    scene.sandbox.holds("refresh").await;

    let refused = scene.desktop.api("PATCH /v1/accounts/default", r#"{"name": "taken"}"#).await.unwrap();
    assert_eq!((refused.status, &refused.body["type"]), (409, &json!("urn:evertoken:account-exists")));
    scene.desktop.evertoken("account rename default work").await.succeeded();
    assert_eq!(scene.desktop.status().await.names(), ["taken", "work"]);
    assert_eq!(scene.desktop.environment.account_id("work"), id);
    scene.sandbox.release("refresh").await;

    let rotations = scene.desktop.status().await.rotations("work");
    scene.desktop.until("it goes on", |status| status.rotations("work") >= rotations + 2).await;
    scene.crash_and_restart().await;
    scene.desktop.until("it goes on", |status| status.rotations("work") >= rotations + 4).await;
    assert!(scene.sandbox.requests().await.iter().all(|request| request.status == Some(200)));
}

/// A log-in at another server that has not answered yet, and what a person does meanwhile.
async fn meanwhile(scene: &Scene, other: &Sandbox, refresh_token: &str, act: impl AsyncFnOnce(&Desktop)) -> Outcome {
    other.fault(json!({ "hold_before_commit": "log-in" })).await;
    let options = format!("login default --endpoint {}", other.endpoint());
    let (said, ()) = tokio::join!(scene.desktop.evertoken_reading(refresh_token, &options), async {
        other.holds("log-in").await;
        act(&scene.desktop).await;
        other.release("log-in").await;
    });
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_elsewhere_keeps_its_endpoint_whatever_a_person_changes_meanwhile() {
    let mut scene = Scene::logged_in("--expires-in 4s").await;
    let other = Sandbox::start(&scene.desktop, "--expires-in 4s").await;
    let grant = other.sign_in().await;
    let said = meanwhile(&scene, &other, &grant.refresh_token, async |desktop| {
        desktop.evertoken("account set default --require-approval on").await.succeeded();
    });
    said.await.succeeded();

    let text = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(text.contains(&other.endpoint()) && text.contains("require_approval = true"), "{text}");
    scene.crash_and_restart().await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_elsewhere_that_fails_never_sends_the_earlier_login_there() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let other = Sandbox::start(&scene.desktop, "").await;
    let said = meanwhile(&scene, &other, "not-a-token-of-this-server", async |desktop| {
        desktop.api("PATCH /v1/settings", r#"{"refresh": "early"}"#).await.unwrap();
        desktop.evertoken("account set default --require-approval on").await.succeeded();
    });
    assert_ne!(said.await.code, 0);

    scene.goes_on().await;
    assert_eq!(other.requests().await.len(), 1, "the log-in's own request");
    let text = std::fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    assert!(text.contains(&scene.sandbox.endpoint()) && text.contains("require_approval = true"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_account_that_is_removed_behind_a_log_in_keeps_the_new_login() {
    let mut scene = Scene::logged_in("--expires-in 4s --grace 0").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    let grant = scene.sandbox.sign_in().await;
    scene.sandbox.fault(json!({ "hold_before_commit": "log-in" })).await;
    let (said, removed) = tokio::join!(scene.desktop.evertoken_reading(&grant.refresh_token, "login default"), async {
        scene.sandbox.holds("log-in").await;
        let removal = scene.desktop.api("DELETE /v1/accounts/default", "");
        tokio::join!(removal, scene.sandbox.release("log-in")).0.unwrap()
    });
    said.succeeded();
    assert!(matches!(removed.status, 400..=499), "{}", removed.body);
    scene.goes_on().await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    scene.nothing_was_refused("removed behind a log-in").await;
}

/// A script that logs in with the same file again, or with one file for two accounts.
#[tokio::test(flavor = "multi_thread")]
async fn p1_a_refresh_token_that_was_used_before_is_not_sent_again_and_costs_no_login() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 1h --grace 0").await;
    let Scene { desktop, sandbox, .. } = &scene;
    let response = sandbox.sign_in_response().await.to_string();
    desktop.login_with("a", sandbox, &response).await.succeeded();
    desktop.evertoken("refresh a").await.succeeded();
    let before = sandbox.requests().await.len();

    let again = desktop.login_with("a", sandbox, &response).await;
    assert!(again.failed(2).contains("has used this refresh token before, for the login of a"), "{again:?}");
    let elsewhere = desktop.login_with("b", sandbox, &response).await;
    assert!(elsewhere.failed(2).contains("for another account's login"), "{elsewhere:?}");

    assert_eq!(sandbox.requests().await.len(), before, "nothing was sent");
    desktop.evertoken("refresh a").await.succeeded();
    assert_eq!(desktop.status().await.names(), ["a"]);
    desktop.evertoken("logout a").await.succeeded();
    desktop.login_with("a", sandbox, &response).await.failed(3);
}
