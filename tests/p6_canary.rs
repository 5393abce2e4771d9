//! P5, P6: canary tokens, looked for in every form and everywhere: files, output, bus, clipboard, arguments, variables
//! and memory.

use std::process::Stdio;
use std::time::Duration;

use crate::desktop::{
    Canary, Clipboard, Desktop, Keyring, Notifications, PATIENCE, Process, Scene, Tray, Watcher, Window, Wiretap,
    eventually, memory, procfs,
};

/// A token that no server gave.
const WRONG: &str = "wrong-token-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// All tokens of a login as the keychain holds them.
async fn add_stored(canary: &mut Canary, desktop: &Desktop) {
    let entries = Keyring::entries(desktop).await;
    let tokens: Vec<_> = entries.split('"').filter(|word| word.starts_with("eyJ")).collect();
    assert!(tokens.len() >= 2, "no tokens in the keychain: {} bytes", entries.len());
    for token in tokens {
        canary.add("a stored token", token);
    }
}

/// A life of its own for everything that may see a token: two log-ins, one of them with a whole response, a copy,
/// rotations, a restart, a refusal.
async fn live(scene: &mut Scene, canary: &mut Canary) {
    let Scene { desktop, sandbox, .. } = &scene;
    let grant = sandbox.sign_in().await;
    canary.add("the given refresh token", &grant.refresh_token);
    canary.add("the given access token", &grant.access_token);
    desktop.login_with("default", sandbox, &grant.refresh_token).await.succeeded();
    canary.add("the first access token", desktop.evertoken("token --wait 30s").await.succeeded());
    add_stored(canary, desktop).await;
    let response = sandbox.sign_in_response().await;
    canary.add("a pasted refresh token", response["refresh_token"].as_str().unwrap());
    canary.add("a pasted access token", response["access_token"].as_str().unwrap());
    desktop.login_with("default", sandbox, &response.to_string()).await.succeeded();
    desktop.evertoken("header").await.succeeded();
    add_stored(canary, desktop).await;
    scene.crash_and_restart().await;
    scene.goes_on().await;
    add_stored(canary, &scene.desktop).await;
    canary.add("the refused token", WRONG);
    scene.desktop.login_with("default", &scene.sandbox, WRONG).await.failed(3);
}

fn look_at_files_and_processes(canary: &Canary, desktop: &Desktop) {
    for (path, bytes) in desktop.environment.files() {
        canary.assert_absent(&path.display().to_string(), &bytes);
    }
    for pid in desktop.environment.processes() {
        canary.assert_absent("the arguments of a process", procfs::command_line(pid).as_bytes());
        canary.assert_absent("the variables of a process", procfs::variables(pid).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_no_form_of_a_token_is_in_a_file_an_output_a_variable_or_on_the_bus() {
    let mut desktop = Desktop::with_screen().await;
    // For the commands too; they say it all on standard error.
    desktop.environment.set("EVERTOKEN_LOG", "trace");
    desktop.environment.configure("version = 1\n[settings]\nclear_clipboard_after = \"5s\"\n");
    let notifications = Notifications::arrive(&desktop.bus).await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let mut scene = Scene::signed_out(desktop, "--expires-in 4s").await;
    let mut canary = Canary::new();
    let wiretap = Wiretap::begin(&scene.desktop).await;

    live(&mut scene, &mut canary).await;
    let Scene { desktop, sandbox, .. } = &scene;
    let tray = Tray::appears(&desktop.bus, &watcher).await;
    desktop.evertoken("copy").await.succeeded();
    canary.add("the copied token", &Clipboard::of(desktop).text().await);
    sandbox.expire().await;
    notifications.shown("Log in to Vault again").await;
    for command in ["status", "status --json", "history", "history --json", "refresh", "doctor", "account list"] {
        let outcome = desktop.evertoken(command).await;
        canary.assert_absent(command, format!("{}{}", outcome.stdout, outcome.stderr).as_bytes());
    }

    canary.assert_present("the keychain", Keyring::entries(desktop).await.as_bytes());
    canary.assert_absent("what the agent said", scene.agent.log().as_bytes());
    look_at_files_and_processes(&canary, desktop);
    let menu = format!("{:?} {} {:?}", tray.labels().await, tray.tooltip().await, notifications.all());
    canary.assert_absent("the menu or a notification", menu.as_bytes());
    let traffic = wiretap.record(desktop).await;
    assert!(traffic.windows(11).any(|window| window == b"OpenSession"), "the wiretap hears the keychain");
    canary.assert_absent("the traffic on the bus", &traffic);
    let cleared = |text: &str| canary.find(text.as_bytes()).is_none();
    Clipboard::of(desktop).until("the clipboard is cleared", cleared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_tokens_cross_the_bus_to_the_keychain_only_in_an_encrypted_session() {
    let desktop = Desktop::without_screen().await;
    let wiretap = Wiretap::begin(&desktop).await;
    let scene = Scene::logged_in_on(desktop, "--expires-in 4s").await;
    scene.goes_on().await;

    let traffic = wiretap.record(&scene.desktop).await;

    let count = |text: &[u8]| traffic.windows(text.len()).filter(|window| *window == text).count();
    let sessions = count(b"OpenSession");
    assert!(sessions > 0, "the agent opened a session with the keychain");
    // zbus asks in one message, which names the algorithm once.
    assert_eq!(count(b"dh-ietf1024-sha256-aes128-cbc-pkcs7"), sessions, "each session is encrypted");
    let mut canary = Canary::new();
    add_stored(&mut canary, &scene.desktop).await;
    canary.assert_absent("the traffic on the bus", &traffic);
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_the_agent_leaves_no_core_dump_and_no_other_program_may_look_into_it() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let pid = scene.agent.pid();

    let none = ("0".to_owned(), "0".to_owned());
    assert_eq!(memory::limit(pid, "Max core file size"), none, "core dumps are off for good");
    assert!(memory::is_closed_to_others(pid), "the agent's memory is open to other programs of the same person");
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_a_command_that_waits_for_a_refresh_token_leaves_no_core_dump() {
    let desktop = Desktop::without_screen().await;
    let login = Process::spawn(desktop.command("login").stdin(Stdio::piped()));

    let none = ("0".to_owned(), "0".to_owned());
    let is_protected = || memory::limit(login.pid(), "Max core file size") == none;
    eventually("core dumps are off for good", async || is_protected().then_some(())).await;
    eventually("nobody else reads its memory", async || memory::is_closed_to_others(login.pid()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_the_windows_processes_hold_no_token_while_they_show_a_valid_login() {
    let scene = Scene::logged_in_on(Desktop::with_screen().await, "--expires-in 6s").await;
    let Scene { desktop, .. } = &scene;
    let mut canary = Canary::new();
    add_stored(&mut canary, desktop).await;
    canary.add("the access token", &desktop.token().await);
    desktop.evertoken("open").await.succeeded();
    let window = Window::appears(desktop).await;
    window.find(r#"[data-account="default"][data-state="valid"]"#).await;
    window.click(r#"[data-account="default"] [data-action="copy"]"#).await;
    Clipboard::of(desktop).until("a token is copied", |text| text.starts_with("eyJ")).await;
    scene.goes_on().await;
    add_stored(&mut canary, desktop).await;

    let ours = |pid: &procfs::Pid| {
        let line = procfs::command_line(*pid);
        line.contains("evertoken-desktop") || line.contains("WebKitWebProcess") || line.contains("WebKitNetworkProcess")
    };
    let processes: Vec<_> = desktop.environment.processes().into_iter().filter(ours).collect();
    assert!(processes.len() >= 3, "the window, its page, its network: {processes:?}");
    for pid in processes {
        let found = tokio::task::block_in_place(|| memory::find(pid, &canary));
        assert_eq!(found, None, "{}", procfs::command_line(pid));
    }
    canary.assert_absent("the page", window.page().await.as_bytes());
    // The agent may have rotated while this looked through so much memory.
    eventually("the search finds what is there", async || {
        let mut current = Canary::new();
        add_stored(&mut current, desktop).await;
        memory::find(scene.agent.pid(), &current)
    })
    .await;
}

/// The connections of the last commands are over soon, and their buffers freed.
const FREED_WITHIN: Duration = PATIENCE.checked_div(2).unwrap();

#[tokio::test(flavor = "multi_thread")]
async fn p6_after_a_log_out_the_agents_memory_holds_no_token() {
    let mut scene = Scene::signed_out(Desktop::without_screen().await, "--expires-in 4s").await;
    let mut canary = Canary::new();
    live(&mut scene, &mut canary).await;
    let Scene { desktop, agent, sandbox, .. } = &scene;
    // Once more, for the agent that is looked into.
    let grant = sandbox.sign_in().await;
    canary.add("the last given token", &grant.refresh_token);
    desktop.login_with("default", sandbox, &grant.refresh_token).await.succeeded();
    eventually("the search finds what is there", async || {
        add_stored(&mut canary, desktop).await;
        memory::find(agent.pid(), &canary)
    })
    .await;

    desktop.evertoken("logout default").await.succeeded();

    memory::is_clear(agent.pid(), &canary, FREED_WITHIN, "a log-out leaves no token in memory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_a_refused_log_in_leaves_nothing_in_the_agents_memory() {
    let scene = Scene::signed_out(Desktop::without_screen().await, "").await;
    let mut canary = Canary::new();
    canary.add("the refused token", WRONG);

    scene.desktop.login_with("default", &scene.sandbox, WRONG).await.failed(3);

    memory::is_clear(scene.agent.pid(), &canary, FREED_WITHIN, "a refused token is forgotten").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_spent_refresh_tokens_are_gone_from_the_agents_memory_soon() {
    let mut scene = Scene::logged_in("--expires-in 4s").await;
    let mut canary = Canary::new();
    // Both slots and what was in memory for them: after two more rotations both hold others.
    add_stored(&mut canary, &scene.desktop).await;
    scene.goes_on().await;
    scene.goes_on().await;

    memory::is_clear(scene.agent.pid(), &canary, FREED_WITHIN, "spent tokens are forgotten").await;
    scene.agent.kill();
}
