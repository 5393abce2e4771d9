//! `evertoken doctor` in broken worlds: each time it names the cause and what to do about it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::desktop::{
    Agent, Authority, Behaviour, Desktop, Disk, Keyring, Notifications, Outcome, Scene, Watcher, Wire, built, note,
};

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
    let body = r#"{"agent":{"version":"9.9.9","pid":1,"started_at":"2026-01-01T00:00:00Z"},"accounts":[]}"#;
    desktop.pretend_to_be_the_agent("200 OK", body);

    Report::of(&desktop).await.says("agent", "warn", "9.9.9", "evertoken agent stop");
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
async fn a_keychain_without_a_default_keyring_gets_advice_that_helps() {
    let desktop = Desktop::without_screen().await;
    let sandbox = crate::desktop::Sandbox::start(&desktop, "--expires-in 1h").await;
    let empty = Keyring::start_locked(&desktop).await;
    let _agent = Agent::start(&desktop).await;

    Report::of(&desktop).await.says("keychain", "fail", "no default keyring", "seahorse");
    let grant = sandbox.sign_in().await;
    let said = desktop.login_with("default", &sandbox, &grant.refresh_token).await;
    let said = said.failed(5);
    assert!(said.contains("the keychain has no default keyring") && said.contains("seahorse"), "{said}");
    assert!(!said.contains("Unlock"), "there is nothing to unlock: {said}");
    assert_eq!(sandbox.requests().await.len(), 0, "nothing was sent");

    // As a log-in to the desktop with the password makes one.
    empty.kill();
    let _keyring = Keyring::start(&desktop).await;
    desktop.login_with("default", &sandbox, &grant.refresh_token).await.succeeded();
    Report::of(&desktop).await.says("keychain", "ok", "holds the login", "");
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
    desktop.environment.set("http_proxy", "http://me:s3cret#1@proxy.example:3128");
    desktop.environment.set("EVERTOKEN_DESKTOP", "/no/such/window");
    let _keyring = Keyring::start(&desktop).await;
    let mut agent = Agent::start(&desktop).await;
    let report = Report::of(&desktop).await;
    report.says("certificates", "fail", "SSL_CERT_FILE", "unset SSL_CERT_FILE");
    report.says("proxy", "warn", "http only", "https_proxy");
    report.says("window", "warn", "/no/such/window", "EVERTOKEN_DESKTOP");

    let login = "login default --endpoint https://vault.example/token";
    let said = desktop.evertoken_reading("r1", login).await.stderr;
    assert!(said.contains("no certificate can be read where SSL_CERT_FILE"), "{said}");

    agent.terminate().await;
    desktop.environment.set("https_proxy", "socks5://me:s3cret#1@proxy.example:1080");
    let _agent = Agent::start(&desktop).await;
    let report = Report::of(&desktop).await;
    report.says("proxy", "fail", "socks5", "https_proxy");
    assert!(!report.value.to_string().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_answers_for_its_own_surroundings_not_those_of_the_shell() {
    let mut desktop = Desktop::without_screen().await;
    let _keyring = Keyring::start(&desktop).await;
    let agent = Agent::start(&desktop).await;
    let (configuration, bus) = (desktop.environment.configuration(), desktop.bus.address().to_owned());
    for (name, value) in [
        ("SSL_CERT_FILE", "/no/such/file.pem"),
        ("https_proxy", "socks5://proxy.example:1080"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere"),
        ("EVERTOKEN_SOCKET", &desktop.socket().display().to_string()),
        ("XDG_CONFIG_HOME", "/nowhere/config"),
        ("XDG_STATE_HOME", "/nowhere/state"),
    ] {
        desktop.environment.set(name, value);
    }

    let report = Report::of(&desktop).await;

    assert_eq!(report.checks("fail"), Vec::<&str>::new(), "{:#}", report.value);
    report.says("certificates", "ok", "", "");
    report.says("proxy", "ok", "None is set", "");
    report.says("session-bus", "ok", &bus, "");
    report.says("configuration", "ok", &configuration.display().to_string(), "");
    report.says("state-folder", "ok", "can be written", "");
    drop(agent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_its_agent_says_what_to_install() {
    let desktop = Desktop::without_screen().await;
    let alone = desktop.environment.path("home/evertoken");
    fs::copy(built("evertoken"), &alone).unwrap();
    let mut command = desktop.environment.command(&alone);
    command.args(["doctor", "--json"]).env("PATH", "/usr/bin:/bin");
    let outcome = Outcome::of(command, b"").await;

    let report = Report { code: outcome.code, value: serde_json::from_str(&outcome.stdout).unwrap() };
    report.says("agent", "fail", "evertoken-agent is neither beside evertoken nor on the PATH", "Install it");
    report.says("account", "warn", "Not known while no agent runs", "agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_cannot_be_kept_and_programs_that_wait_are_named_with_a_command() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let folder = scene.desktop.environment.path("home/usb-stick");
    fs::create_dir(&folder).unwrap();
    let set = format!("account set default --token-file {}/token", folder.display());
    scene.desktop.evertoken(&set).await.succeeded();
    scene.agent.kill();
    fs::remove_dir_all(&folder).unwrap();
    scene.agent = Agent::start(&scene.desktop).await;
    let desktop = &scene.desktop;
    let problem = |status: &crate::desktop::Status| status.account("default")["token_file"]["problem"].is_string();
    desktop.until("it cannot be written", problem).await;
    let report = Report::of(desktop).await;
    report.says("token-file", "fail", "usb-stick/token", "account set default --token-file");

    desktop.evertoken("account set default --no-token-file").await.succeeded();
    desktop.evertoken("account set default --require-approval on").await.succeeded();
    desktop.evertoken("token").await.failed(4);
    let report = Report::of(desktop).await;
    report.says("approval", "warn", "waits for a person to allow it", "evertoken approve --account default '/");
    assert!(!report.checks("fail").contains(&"token-file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_shows_in_the_endpoints_answer() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    Report::of(&scene.desktop).await.says("clock", "ok", "agrees with the endpoint's", "");
    let date = serde_json::json!({ "Date": "Fri, 31 Dec 2049 23:59:59 GMT" });
    scene.sandbox.fault(serde_json::json!({ "status": 503, "headers": date, "times": 9 })).await;

    scene.refresh_fails("the endpoint is busy").await;

    Report::of(&scene.desktop).await.says("clock", "warn", "behind the endpoint's", "timedatectl");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_any_more_is_told_apart_from_the_network() {
    let answer = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r2","expires_in":6}"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
    let says = Behaviour::Says(format!("{head}{answer}").into_bytes());
    let mut desktop = Desktop::without_screen().await;
    let authority = Authority::trusted_by(&mut desktop);
    let _keyring = Keyring::start(&desktop).await;
    let agent = Agent::start(&desktop).await;
    let good = Wire::start_with_tls(says.clone(), authority.certify("127.0.0.1", 2090)).await;
    let login = format!("login default --endpoint {}", good.endpoint());
    desktop.evertoken_reading("r1", &login).await.succeeded();
    drop(good);

    for (acceptor, words) in [
        (authority.certify("127.0.0.1", 2021), "certificate has expired"),
        (Authority::self_signed("127.0.0.1"), "certificate is not trusted"),
    ] {
        let bad = Wire::start_with_tls(says.clone(), acceptor).await;
        let text = fs::read_to_string(desktop.environment.configuration()).unwrap();
        let port = |url: &str| url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
        let before = text.split('"').find(|word| word.starts_with("https://")).unwrap();
        Keyring::move_logins(&desktop, &[(before.to_owned(), bad.endpoint())]).await;
        desktop.environment.configure(&text.replace(&port(before), &port(&bad.endpoint())));
        crate::desktop::procfs::signal(agent.pid(), rustix::process::Signal::HUP);
        desktop.until_state("default", "expired").await;
        desktop
            .until("the certificate is named", |status| {
                status.account("default")["refresh"]["last_error"].to_string().contains(words)
            })
            .await;
        Report::of(&desktop).await.says("account", "fail", words, "trust store");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_there_is_named() {
    let mut desktop = Desktop::without_screen().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    desktop.environment.set("https_proxy", &format!("http://me:s3cret@{free}"));
    let _agent = Agent::start(&desktop).await;

    let report = Report::of(&desktop).await;

    report.says("proxy", "fail", &format!("https_proxy names {free}, where no proxy answers"), "unset https_proxy");
    assert!(!report.value.to_string().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desktop_without_tray_notifications_and_keychain_is_told_what_is_missing() {
    let desktop = Desktop::without_screen().await;
    let report = Report::of(&desktop).await;
    report.says("tray", "warn", "no panel with tray icons", "waybar");
    report.says("notifications", "warn", "no notification daemon", "dunst");
    report.says("keychain", "fail", "org.freedesktop.secrets", "before you log in");

    let _watcher = Watcher::arrive(&desktop.bus).await;
    let _notifications = Notifications::arrive(&desktop.bus).await;
    let _keyring = Keyring::start(&desktop).await;
    let report = Report::of(&desktop).await;
    for check in ["tray", "notifications", "keychain"] {
        report.says(check, "ok", "", "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_no_text_and_a_full_disk_are_named() {
    let desktop = Desktop::without_screen().await;
    fs::create_dir_all(desktop.environment.configuration()).unwrap();
    let report = Report::of(&desktop).await;
    report.says("configuration", "fail", "cannot be read", "text file");
    report.says("agent", "fail", "configuration", "");

    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "state/evertoken", 64) else { return };
    let _agent = Agent::start(&desktop).await;
    disk.fill();
    Report::of(&desktop).await.says("state-folder", "fail", "nothing is refreshed", "room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_another_user_is_named() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let nobody = Some(65534);
    if std::os::unix::fs::chown(scene.desktop.socket(), nobody, nobody).is_err() {
        note("left out: this process may not give files away (run the tests as root)");
        return;
    }
    Report::of(&scene.desktop).await.says("socket", "fail", "belongs to another user", "the user who runs the agent");
}
