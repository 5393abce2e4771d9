//! No token bytes where they do not belong: logs, journal, configuration, process arguments, texts, page.

use std::collections::BTreeSet;

use serde_json::json;

use crate::desktop::{Clipboard, Desktop, Keyring, Notifications, Sandbox, Scene, Tray, Watcher, Window, procfs};

/// Pieces of tokens long enough to be recognized anywhere, however a token was cut.
#[derive(Default)]
struct Needles(BTreeSet<String>);

impl Needles {
    const LENGTH: usize = 16;

    fn add(&mut self, token: &str) {
        assert!(token.is_ascii() && token.len() >= 2 * Self::LENGTH, "an unlikely token: {token}");
        let middle = token.len() / 2;
        self.0.insert(token[middle..middle + Self::LENGTH].to_owned());
        self.0.insert(token[token.len() - Self::LENGTH..].to_owned());
    }

    /// Every token in the entries of the keychain: the sandbox's are JSON Web Tokens.
    fn add_tokens_of(&mut self, entries: &str) {
        let tokens: Vec<_> = entries.split('"').filter(|word| word.starts_with("eyJ")).collect();
        assert!(!tokens.is_empty(), "no token in the keychain");
        tokens.into_iter().for_each(|token| self.add(token));
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let place = |needle: &String| bytes.windows(needle.len()).position(|window| window == needle.as_bytes());
        self.0.iter().find_map(place)
    }

    fn assert_present(&self, place: &str, bytes: &[u8]) {
        assert!(self.find(bytes).is_some(), "the search does not even find the token in {place}");
    }

    fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some(at) = self.find(bytes) {
            let before = &bytes[at.saturating_sub(80)..at];
            panic!("token bytes in {place} after: {}", String::from_utf8_lossy(before));
        }
    }
}

/// Everything that is readable without opening the keychain.
async fn look_everywhere(needles: &Needles, desktop: &Desktop) {
    for (path, bytes) in desktop.environment.files() {
        needles.assert_absent(&path.display().to_string(), &bytes);
    }
    for pid in desktop.environment.processes() {
        needles.assert_absent("the arguments of a process", procfs::command_line(pid).as_bytes());
        needles.assert_absent("the variables of a process", procfs::variables(pid).as_bytes());
    }
    for command in ["status --json", "status", "history", "history --json", "account list"] {
        let outcome = desktop.evertoken(command).await;
        needles.assert_absent(command, format!("{}{}", outcome.stdout, outcome.stderr).as_bytes());
    }
}

/// Faults that say the refresh token aloud, as careless servers do.
async fn answer_with_the_token(sandbox: &Sandbox, token: &str) {
    let reason = format!("The token {token} is not welcome");
    for fault in [
        json!({ "status": 400, "body": json!({ "error": "COMMON", "message": reason }).to_string() }),
        json!({ "status": 503, "headers": { "Retry-After": "1" }, "body": reason }),
        json!({ "status": 302, "headers": { "Location": format!("http://elsewhere.invalid/?{token}") } }),
    ] {
        sandbox.fault(fault).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_readable_anywhere_but_where_it_was_asked_for() {
    let desktop = Desktop::with_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let scene = Scene::signed_out(desktop, "--expires-in 4s").await;
    let Scene { desktop, sandbox, agent, .. } = &scene;
    let mut needles = Needles::default();

    let grant = sandbox.sign_in().await;
    needles.add(&grant.access_token);
    needles.add(&grant.refresh_token);
    desktop.login_with("default", sandbox, &grant.refresh_token).await.succeeded();
    needles.add(&desktop.token().await);
    needles.add_tokens_of(&Keyring::entries(desktop).await);
    desktop.evertoken("copy").await.succeeded();
    needles.assert_present("the clipboard", Clipboard::of(desktop).text().await.as_bytes());
    needles.assert_present("the keychain", Keyring::entries(desktop).await.as_bytes());
    let tray = Tray::appears(&desktop.bus, &watcher).await;

    let window = {
        desktop.evertoken("open").await.succeeded();
        Window::appears(desktop).await
    };
    window.find(r#"[data-account="default"]"#).await;
    let rotations = desktop.status().await.rotations("default");
    desktop.until("two rotations", |status| status.rotations("default") >= rotations + 2).await;
    needles.add_tokens_of(&Keyring::entries(desktop).await);
    sandbox.expire().await;
    notifications.shown("Log in to Vault again").await;

    assert!(agent.log().contains("DEBUG"), "the log is as talkative as it can be");
    look_everywhere(&needles, desktop).await;
    needles.assert_absent("the page", window.page().await.as_bytes());
    needles.assert_absent("a notification", format!("{:?}", notifications.all()).as_bytes());
    needles.assert_absent("the menu", format!("{:?} {}", tray.labels().await, tray.tooltip().await).as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_repeats_the_token_does_not_get_it_into_a_log_or_a_message() {
    let scene = Scene::logged_in("--expires-in 4s").await;
    let Scene { desktop, sandbox, .. } = &scene;
    let mut needles = Needles::default();
    needles.add(&desktop.token().await);
    let grant = sandbox.sign_in().await;
    needles.add(&grant.refresh_token);
    answer_with_the_token(sandbox, &grant.refresh_token).await;

    for _ in 0..3 {
        let outcome = desktop.login_with("default", sandbox, &grant.refresh_token).await;
        needles.assert_absent("an error", format!("{}{}", outcome.stdout, outcome.stderr).as_bytes());
    }

    look_everywhere(&needles, desktop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_started_by_a_command_logs_no_token_either() {
    let mut desktop = Desktop::without_screen().await;
    desktop.environment.set("EVERTOKEN_LOG", "trace");
    let _keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "--expires-in 4s").await;
    let grant = sandbox.sign_in().await;
    let mut needles = Needles::default();
    needles.add(&grant.refresh_token);

    let outcome = desktop.login_with("default", &sandbox, &grant.refresh_token).await;
    needles.assert_absent("the login's output", format!("{}{}", outcome.stdout, outcome.stderr).as_bytes());
    needles.add(&desktop.token().await);
    needles.add_tokens_of(&Keyring::entries(&desktop).await);
    sandbox.requests_reach(3).await;

    look_everywhere(&needles, &desktop).await;
}
