//! What `--json` prints is what `docs/schemas` says.

use serde_json::Value;

use crate::desktop::{Desktop, Scene, Schema};

/// Runs a command and holds what it prints against a schema.
async fn prints(desktop: &Desktop, arguments: &str, schema: &str) -> Value {
    let outcome = desktop.evertoken(&format!("{arguments} --json")).await;
    Schema::named(schema).describes_text(outcome.succeeded())
}

/// Runs a command that fails and holds what it says against the schema of problems.
async fn fails(desktop: &Desktop, arguments: &str, code: i32) {
    let outcome = desktop.evertoken(&format!("{arguments} --json")).await;
    Schema::named("problem").describes_text(outcome.failed(code));
    assert_eq!(outcome.stdout, "", "{arguments}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_finds_in_the_output_what_the_schemas_say_and_nothing_else() {
    let scene = Scene::signed_out(Desktop::with_screen().await, "--expires-in 1h").await;
    let desktop = &scene.desktop;
    prints(desktop, "status", "status").await;
    prints(desktop, "account list", "accounts").await;
    fails(desktop, "token", 3).await;

    let grant = scene.sandbox.sign_in().await;
    let login = format!("login default --endpoint {} --json", scene.sandbox.endpoint());
    let outcome = desktop.evertoken_reading(&grant.refresh_token, &login).await;
    Schema::named("account").describes_text(outcome.succeeded());
    prints(desktop, "status", "status").await;
    prints(desktop, "status default", "status").await;
    prints(desktop, "token", "token").await;
    prints(desktop, "token default --min-valid 10m", "token").await;
    prints(desktop, "refresh", "refresh").await;
    prints(desktop, "token --inspect", "token-inspect").await;
    prints(desktop, "whoami", "whoami").await;
    prints(desktop, "copy", "copy").await;
    prints(desktop, "history", "history").await;
    let access = prints(desktop, "access", "access").await;
    assert!(!access["accesses"].as_array().unwrap().is_empty());
    let doctor = desktop.evertoken("doctor --json").await;
    Schema::named("doctor").describes_text(&doctor.stdout);

    let file = desktop.environment.path("home/token").display().to_string();
    prints(desktop, &format!("account set default --token-file {file} --form env"), "account").await;
    desktop.until("the file is kept", |status| status.account("default")["token_file"].is_object()).await;
    prints(desktop, "status", "status").await;
    prints(desktop, "account set default --no-token-file", "account").await;
    prints(desktop, "account set default --require-approval on", "account").await;
    fails(desktop, "token", 4).await;
    prints(desktop, "status", "status").await;
    prints(desktop, "approve", "account").await;
    prints(desktop, "account rename default other", "account").await;
    prints(desktop, "account default other", "account").await;
    prints(desktop, "logout other", "logout").await;
    prints(desktop, "account list", "accounts").await;
    prints(desktop, "history other", "history").await;
    prints(desktop, "account remove other", "removed").await;
    fails(desktop, "token other", 2).await;
    fails(desktop, "refresh", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_trouble_is_written_as_the_schemas_say() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let desktop = &scene.desktop;
    let mut follower = desktop.follow();
    let schema = Schema::named("status");
    scene.sandbox.fault(serde_json::json!({ "status": 503, "times": 1000 })).await;
    for state in ["retrying", "expired"] {
        schema.describes(&follower.until(state, |status| status.state("default") == state).await.0);
    }
    fails(desktop, "token", 4).await;
    scene.sandbox.heal().await;
    scene.sandbox.expire().await;
    schema.describes(&follower.until("over", |status| status.state("default") == "login-required").await.0);
    fails(desktop, "token", 3).await;
    prints(desktop, "history", "history").await;
    let doctor = desktop.evertoken("doctor --json").await;
    Schema::named("doctor").describes_text(&doctor.stdout);
}

#[test]
#[should_panic(expected = "not as docs/schemas/removed.json says")]
fn a_field_that_no_schema_names_is_noticed() {
    Schema::named("removed").describes(&serde_json::json!({ "removed": "default", "more": 1 }));
}

#[test]
#[should_panic(expected = "not as docs/schemas/access.json says")]
fn a_field_beside_those_of_a_branch_is_noticed() {
    let access = serde_json::json!({ "at": "2026-11-22T08:00:00Z", "account": "default", "program": null, "pid": null,
        "outcome": "granted", "token": "x" });
    Schema::named("access").describes(&serde_json::json!({ "accesses": [access] }));
}
