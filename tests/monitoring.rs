//! What those who look after services hold on to: exit codes, readiness and metrics.

use crate::desktop::{Desktop, Outcome, Scene};

/// What a scrape gets, as text.
async fn metrics(desktop: &Desktop) -> String {
    let mut curl = desktop.environment.command("curl");
    curl.args(["-sif", "--unix-socket"]).arg(desktop.socket()).arg("http://localhost/v1/metrics");
    Outcome::of(curl, b"").await.succeeded().to_owned()
}

fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{series} is not in {metrics}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewer_that_has_failed_for_hours_is_seen_by_those_who_watch() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let desktop = &scene.desktop;
    scene.sandbox.requests_reach(2).await;
    desktop.until_state("default", "valid").await;
    let well = metrics(desktop).await;
    scene.sandbox.expire().await;
    desktop.until_state("default", "login-required").await;

    let ill = metrics(desktop).await;

    assert!(well.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{well}");
    assert!(well.ends_with("# EOF"), "{well}");
    let state =
        |state: &str| format!(r#"evertoken_account_state{{account="default",evertoken_account_state="{state}"}}"#);
    assert!(value(&well, &state("valid")) + value(&well, &state("refreshing")) > 0.0, "{well}");
    assert_eq!(value(&ill, &state("login-required")) - value(&ill, &state("valid")), 1.0);
    let outcome = |outcome: &str| format!(r#"evertoken_refreshes_total{{account="default",outcome="{outcome}"}}"#);
    assert!(value(&well, &outcome("succeeded")) >= 2.0 && value(&well, &outcome("refused")) == 0.0, "{well}");
    assert_eq!(value(&ill, &outcome("refused")), 1.0);
    let now = jiff::Timestamp::now().as_second() as f64;
    let expiry = r#"evertoken_access_token_expiry_timestamp_seconds{account="default"}"#;
    assert!((value(&well, expiry) - now).abs() < 60.0 && !ill.contains(expiry), "{ill}");
    assert!((value(&ill, r#"evertoken_login_required_timestamp_seconds{account="default"}"#) - now).abs() < 60.0);
    let user = desktop.status().await.account("default")["user_id"].as_str().unwrap_or("usr:").to_owned();
    assert!(!well.contains(&user), "no user id: {well}");
    for metrics in [&well, &ill] {
        let body = metrics.split_once("\r\n\r\n").unwrap().1;
        body.lines().filter(|line| !line.starts_with('#')).for_each(|line| assert!(is_a_sample(line), "{line}"));
    }
}

/// `name{label="value"} number`, as OpenMetrics has it.
fn is_a_sample(line: &str) -> bool {
    let Some((series, number)) = line.rsplit_once(' ') else { return false };
    let name = series.split('{').next().unwrap_or_default();
    let is_name = name.starts_with("evertoken_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    is_name && number.parse::<f64>().is_ok() && series.contains('{') == series.ends_with('}')
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_ready_once_the_keychain_was_asked() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let answer = scene.desktop.api("GET /v1/ready", "").await.unwrap();
    assert_eq!((answer.status, answer.body["accounts"].as_u64()), (200, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_reads_the_exit_code_and_nothing_else() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 4s").await;
    let desktop = &scene.desktop;
    let check = async |arguments: &str| {
        let outcome = desktop.evertoken(&format!("status --check {arguments}")).await;
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
        outcome.code
    };
    assert_eq!(check("").await, 3, "nobody is logged in");
    desktop.login("default", &scene.sandbox).await;
    assert_eq!(check("").await, 0);
    scene.sandbox.expire().await;
    desktop.until_state("default", "login-required").await;
    assert_eq!(check("default").await, 3);
    assert!(desktop.evertoken("status --check nobody").await.failed(2).contains("There is no account nobody"));
}
