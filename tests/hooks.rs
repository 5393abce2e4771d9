//! A person's own programs learn what happened to a login, and learn no token.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::desktop::{Desktop, Scene, eventually};

/// Makes one script all three hooks; what it was told comes to a file, a line each.
fn configure(desktop: &Desktop) {
    let script = desktop.environment.path("hook");
    let told = desktop.environment.path("told");
    let text = format!(
        "#!/bin/sh\necho \"$1 $EVERTOKEN_EVENT $EVERTOKEN_ACCOUNT $EVERTOKEN_EXPIRES_AT\" >> {}\nenv >> {0}.env\n",
        told.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let hook = |name: &str, argument: &str| format!("{name} = [\"{}\", \"{argument}\"]\n", script.display());
    let hooks = hook("on_refreshed", "1") + &hook("on_login_soon", "2") + &hook("on_login_required", "3");
    desktop.environment.configure(&format!("version = 1\n[hooks]\n{hooks}"));
}

async fn told(desktop: &Desktop, line: &str) -> String {
    eventually(&format!("the hook is told {line}"), async || {
        let told = fs::read_to_string(desktop.environment.path("told")).ok()?;
        told.lines().find(|told| told.starts_with(line)).map(str::to_owned)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_where_nobody_sees_a_notification_hears_of_a_login_that_ends() {
    let desktop = Desktop::without_screen().await;
    configure(&desktop);
    let scene = Scene::logged_in_on(desktop, "--expires-in 16s").await;
    let desktop = &scene.desktop;

    let refreshed = told(desktop, "1 refreshed default 20").await;
    let token = desktop.token().await;
    scene.sandbox.expire().await;
    told(desktop, "2 login-soon default 20").await;
    told(desktop, "3 login-required default").await;

    assert!(refreshed.ends_with('Z'), "when the access token expires: {refreshed}");
    let environment = fs::read_to_string(desktop.environment.path("told.env")).unwrap();
    assert!(!environment.contains(&token) && !environment.contains("VAULT_ACCESS_TOKEN"), "no token is in it");
    let said = desktop.evertoken("history").await;
    assert!(said.succeeded().contains("refused"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_or_is_missing_disturbs_no_refresh() {
    let desktop = Desktop::without_screen().await;
    desktop.environment.configure("version = 1\n[hooks]\non_refreshed = [\"/no/such/program\"]\n");

    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;

    scene.sandbox.requests_reach(3).await;
    assert_eq!(scene.desktop.until_state("default", "valid").await.state("default"), "valid");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_of_the_local_api_changes_what_is_run() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let body = r#"{"hooks": {"on_refreshed": ["/bin/true"]}}"#;
    for call in ["PATCH /v1/settings", "PATCH /v1/accounts/default"] {
        assert_eq!(scene.desktop.api(call, body).await.unwrap().status, 400, "{call}");
    }
}
