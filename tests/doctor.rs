//! `evertoken doctor` in broken worlds: each time it names the cause and what to do about it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use serde_json::Value;

use crate::desktop::{Desktop, Keyring, Scene};

/// What `evertoken doctor --json` said.
struct Report {
    code: i32,
    value: Value,
}

impl Report {
    async fn of(desktop: &Desktop) -> Self {
        let outcome = desktop.evertoken("doctor --json").await;
        let value = serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
        Self { code: outcome.code, value }
    }

    /// The findings with this verdict, by the names of their checks.
    fn checks(&self, verdict: &str) -> Vec<&str> {
        let findings = self.value["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["verdict"] == verdict).filter_map(|f| f["check"].as_str()).collect()
    }

    /// Asserts that this check came out so, and that cause and cure speak of these words.
    #[track_caller]
    fn says(&self, check: &str, verdict: &str, cause: &str, cure: &str) {
        let mut findings = self.value["findings"].as_array().unwrap().iter();
        let finding = findings.find(|finding| finding["check"] == check).unwrap_or(&Value::Null);
        let has = |key: &str, word: &str| finding[key].as_str().unwrap_or_default().contains(word);
        assert!(finding["verdict"] == verdict && has("what", cause) && has("cure", cure), "{:#}", self.value);
        assert_eq!(self.code, i32::from(self.value["verdict"] == "fail"), "{:#}", self.value);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_desktop_gets_a_clean_bill() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 1h").await;

    let report = Report::of(&scene.desktop).await;

    assert_eq!((report.code, report.checks("fail")), (0, Vec::new()), "{:#}", report.value);
    let good = report.checks("ok");
    for check in
        ["agent", "socket", "configuration", "state-folder", "session-bus", "keychain", "display", "clock", "account"]
    {
        assert!(good.contains(&check), "{check}: {:#}", report.value);
    }
    let page = scene.desktop.evertoken("doctor").await.succeeded().to_owned();
    assert!(page.contains("ok    agent") && !page.contains('\u{1b}'), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_run_is_started_and_one_that_cannot_start_says_why() {
    let desktop = Desktop::without_screen().await;
    desktop.environment.configure("version = 1\n[settings]\nkeychain = \"memory\"\n");
    let report = Report::of(&desktop).await;
    report.says("agent", "ok", "has been started", "");
    report.says("keychain", "warn", "memory", "configuration");
    report.says("account", "warn", "Nobody has logged in", "evertoken login");

    let broken = Desktop::without_screen().await;
    broken.environment.configure("version = 1\ncolour = 3\n");
    let report = Report::of(&broken).await;
    report.says("agent", "fail", "colour", "");
    report.says("configuration", "fail", "line 2", "Correct it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_another_version_is_to_be_restarted() {
    let desktop = Desktop::without_screen().await;
    fs::create_dir_all(desktop.socket().parent().unwrap()).unwrap();
    let listener = UnixListener::bind(desktop.socket()).unwrap();
    std::thread::spawn(move || {
        let body = r#"{"agent":{"version":"9.9.9","pid":1,"started_at":"2026-01-01T00:00:00Z"},"accounts":[]}"#;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if stream.read(&mut [0; 1024]).unwrap() > 0 {
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        }
    });

    Report::of(&desktop).await.says("agent", "warn", "9.9.9", "Restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_could_change_are_named_with_the_command_that_closes_them() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let environment = &scene.desktop.environment;

    set_mode(&environment.path("run/evertoken"), 0o777);
    Report::of(&scene.desktop).await.says("socket", "fail", "Others may write", "chmod 700");
    set_mode(&environment.path("run/evertoken"), 0o700);
    set_mode(&scene.desktop.socket(), 0o666);
    Report::of(&scene.desktop).await.says("socket", "warn", "Others may connect", "chmod 600");
    set_mode(&environment.configuration(), 0o666);
    Report::of(&scene.desktop).await.says("configuration", "fail", "Everybody may write", "chmod 600");
    set_mode(&environment.configuration(), 0o600);
    set_mode(&environment.path("state/evertoken"), 0o777);
    Report::of(&scene.desktop).await.says("state-folder", "fail", "Everybody may write", "chmod 700");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_the_agent_cannot_follow_is_noticed() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let good = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();

    let more = format!("{good}\n[accounts.more]\nendpoint = \"https://vault.example/token\"\n");
    scene.desktop.environment.configure(&more);
    scene.desktop.until("it follows", |status| status.names() == ["default", "more"]).await;
    Report::of(&scene.desktop).await.says("configuration", "ok", "2 accounts", "");
    scene.desktop.environment.configure("version = 99\n");
    Report::of(&scene.desktop).await.says("configuration", "fail", "version 99", "by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_folder_that_is_none_stops_the_agent_and_is_named() {
    let desktop = Desktop::without_screen().await;
    fs::write(desktop.environment.path("state/evertoken"), "in the way").unwrap();

    let report = Report::of(&desktop).await;

    report.says("state-folder", "fail", "cannot be written", "folder");
    report.says("agent", "fail", "", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_path_that_is_too_long_is_named() {
    let mut desktop = Desktop::without_screen().await;
    let path = desktop.environment.path("x".repeat(120)).join("agent.sock").display().to_string();
    desktop.environment.set("EVERTOKEN_SOCKET", &path);

    Report::of(&desktop).await.says("socket", "fail", "longer than", "EVERTOKEN_SOCKET");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_bus_and_screen_is_told_what_that_means() {
    let mut desktop = Desktop::without_screen().await;
    let nowhere = format!("unix:path={}", desktop.environment.path("nowhere").display());
    desktop.environment.set("DBUS_SESSION_BUS_ADDRESS", &nowhere);

    let report = Report::of(&desktop).await;

    report.says("session-bus", "fail", "nowhere", "dbus-run-session");
    report.says("display", "warn", "DISPLAY", "desktop session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keychain_that_is_locked_or_gone_is_named_with_its_account() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    scene.keyring.kill();
    scene.agent.kill();
    scene.agent = crate::desktop::Agent::start(&scene.desktop).await;
    scene.desktop.until_state("default", "keychain-unavailable").await;
    let report = Report::of(&scene.desktop).await;
    report.says("keychain", "fail", "default", "Start a keychain");

    let _locked = Keyring::start_locked(&scene.desktop).await;
    scene.desktop.until("the keychain is locked", |status| status.0.to_string().contains("locked")).await;
    Report::of(&scene.desktop).await.says("keychain", "fail", "locked", "Unlock");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_over_and_an_endpoint_that_is_down_are_told_apart() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    scene.sandbox.expire().await;
    scene.desktop.until_state("default", "login-required").await;
    Report::of(&scene.desktop).await.says("account", "fail", "Log in again", "evertoken login default");

    let scene = Scene::logged_in("--expires-in 4s").await;
    drop(scene.sandbox);
    scene.desktop.until_state("default", "expired").await;
    Report::of(&scene.desktop).await.says("account", "fail", "Expired", "evertoken refresh default");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_lead_astray_are_named_without_their_secrets() {
    let mut desktop = Desktop::without_screen().await;
    desktop.environment.set("SSL_CERT_FILE", "/no/such/file.pem");
    desktop.environment.set("http_proxy", "http://me:s3cret@proxy.example:3128");
    desktop.environment.set("EVERTOKEN_DESKTOP", "/no/such/window");
    let report = Report::of(&desktop).await;
    report.says("certificates", "fail", "SSL_CERT_FILE", "unset SSL_CERT_FILE");
    report.says("proxy", "warn", "http only", "https_proxy");
    report.says("window", "warn", "/no/such/window", "EVERTOKEN_DESKTOP");

    desktop.environment.set("https_proxy", "socks5://me:s3cret@proxy.example:1080");
    let report = Report::of(&desktop).await;
    report.says("proxy", "fail", "socks5", "https_proxy");
    assert!(!report.value.to_string().contains("s3cret"));
}
