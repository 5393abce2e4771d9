//! The configuration belongs to the person: comments stay, and a file with a mistake in it is never overwritten.

use std::fs;
use std::io::Write;

use rustix::process::Signal;

use crate::desktop::{Agent, Desktop, Disk, Keyring, Sandbox, Scene, eventually, procfs};

/// The bytes of every file beside the configuration, and of itself.
fn kept(desktop: &Desktop) -> Vec<String> {
    let folder = desktop.environment.configuration();
    let files = fs::read_dir(folder.parent().unwrap()).unwrap().flatten();
    files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_file_is_named_and_the_file_and_the_login_are_kept() {
    let mut scene = Scene::logged_in("--expires-in 1h").await;
    let token = scene.desktop.token().await;
    let requests = scene.sandbox.requests().await.len();
    assert!(scene.agent.terminate().await.success());
    let good = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    let bad = format!("{good}\n# my own note\noops = [\n");
    scene.desktop.environment.configure(&bad);

    for arguments in ["token", "status", "account default default"] {
        let outcome = scene.desktop.evertoken(arguments).await;
        let said = outcome.failed(1);
        assert!(said.contains("config.toml"), "{said}");
        assert!(kept(&scene.desktop).contains(&bad), "`{arguments}` lost what the person wrote");
    }

    scene.desktop.environment.configure(&good);
    assert_eq!(scene.desktop.token().await, token, "the login is there when the mistake is mended");
    assert_eq!(scene.sandbox.requests().await.len(), requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_made_while_the_agent_runs_is_not_overwritten() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let good = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    let bad = format!("{good}\noops = [\n");
    scene.desktop.environment.configure(&bad);

    scene.desktop.evertoken("account rename default other").await;

    assert!(kept(&scene.desktop).contains(&bad), "what the person wrote is lost");
    assert_eq!(scene.sandbox.user_info(&scene.desktop.token().await).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_and_order_survive_a_change_by_a_command() {
    let desktop = Desktop::without_screen().await;
    let keyring = Keyring::start(&desktop).await;
    let sandbox = Sandbox::start(&desktop, "").await;
    let written = format!(
        "# first line\nversion = 1\n\n[settings]\n# a short one\nclear_clipboard_after = \"30s\"\n\n\
         [accounts.work] # at the office\nendpoint = \"{}\"\n",
        sandbox.endpoint()
    );
    desktop.environment.configure(&written);
    let agent = Agent::start(&desktop).await;
    let scene = Scene { agent, sandbox, keyring, desktop };

    let grant = scene.sandbox.sign_in().await;
    scene.desktop.evertoken_reading(&grant.refresh_token, "login work").await.succeeded();
    scene.desktop.login("home", &scene.sandbox).await;
    scene.desktop.evertoken("account default work").await.succeeded();

    let now = fs::read_to_string(scene.desktop.environment.configuration()).unwrap();
    for comment in ["# first line", "# a short one", "# at the office", "clear_clipboard_after = \"30s\""] {
        assert!(now.contains(comment), "{comment} is gone:\n{now}");
    }
    assert_eq!(scene.desktop.status().await.names(), ["home", "work"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_newer_version_is_refused_and_kept() {
    let desktop = Desktop::without_screen().await;
    let newer = "version = 99\nfuture = true\n";
    desktop.environment.configure(newer);

    desktop.evertoken("status").await.failed(1);

    assert!(kept(&desktop).contains(&newer.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_socket_are_for_the_owner_alone() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let environment = &scene.desktop.environment;
    let journal = format!("state/evertoken/{}.journal", environment.account_id("default"));
    for (name, mode) in [
        ("run/evertoken", 0o700),
        ("run/evertoken/agent.sock", 0o600),
        ("state/evertoken", 0o700),
        (&journal, 0o600),
        ("config/evertoken/config.toml", 0o600),
    ] {
        assert_eq!(environment.mode(name), mode, "{name}");
    }
}

/// What a person writes counts at once, in the file and in the agent, and what a command writes does not undo it.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_runs_follows_the_file() {
    let scene = Scene::logged_in("--expires-in 1h").await;
    let desktop = &scene.desktop;
    let written = fs::read_to_string(desktop.environment.configuration()).unwrap();
    let more = format!(
        "{written}\n[accounts.second]\nendpoint = \"{}\"\n\n[settings]\nclear_clipboard_after = \"7s\"\n",
        scene.sandbox.endpoint()
    );
    desktop.environment.configure(&more);
    desktop.until("the second account is there", |status| status.names() == ["default", "second"]).await;
    let settings = desktop.api("GET /v1/settings", "").await.unwrap();
    assert_eq!(settings.body["clear_clipboard_after"], "7s");

    // An editor that moves the file away, and writes it anew a moment later, ends no login meanwhile.
    let aside = desktop.environment.path("config/evertoken/config.toml~");
    fs::rename(desktop.environment.configuration(), &aside).unwrap();
    procfs::signal(scene.agent.pid(), Signal::HUP);
    desktop.api("GET /v1/settings", "").await.unwrap();
    assert_eq!(desktop.status().await.names(), ["default", "second"]);
    fs::rename(&aside, desktop.environment.configuration()).unwrap();

    // Nor does one that empties the file and then writes it.
    let written = fs::read(desktop.environment.configuration()).unwrap();
    let mut editor = fs::File::create(desktop.environment.configuration()).unwrap();
    procfs::signal(scene.agent.pid(), Signal::HUP);
    desktop.api("GET /v1/settings", "").await.unwrap();
    assert_eq!(desktop.status().await.names(), ["default", "second"]);
    editor.write_all(&written).unwrap();
    drop(editor);

    let change = r#"{"start_at_login":true,"refresh":"late"}"#;
    assert_eq!(desktop.api("PATCH /v1/settings", change).await.unwrap().status, 200);
    let autostart = desktop.environment.path("config/autostart/evertoken-agent.desktop");
    let entry = fs::read_to_string(&autostart).unwrap();
    assert!(entry.contains("/evertoken-agent\"\n"), "{entry}");
    let now = fs::read_to_string(desktop.environment.configuration()).unwrap();
    assert!(now.contains("clear_clipboard_after = \"7s\"") && now.contains("refresh = \"late\""), "{now}");
    desktop.environment.configure(&now.replace("start_at_login = true", "start_at_login = false"));
    eventually("it does not start by itself any more", async || (!autostart.exists()).then_some(())).await;
    let token = desktop.evertoken("token default").await;
    assert_eq!(scene.sandbox.user_info(token.succeeded()).await, 200);
    assert_eq!(scene.sandbox.requests().await.len(), 1, "no setting is a reason to refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_whole_after_a_change_that_could_not_be_written_down() {
    let desktop = Desktop::without_screen().await;
    let Some(disk) = Disk::over(&desktop, "config/evertoken", 256) else { return };
    let scene = Scene::logged_in_on(desktop, "--expires-in 1h").await;
    scene.desktop.evertoken("logout default").await.succeeded();
    let history = scene.desktop.evertoken("history default").await.succeeded().to_owned();
    disk.make_read_only();

    for change in ["remove default", "rename default other", "set default --require-approval on"] {
        let said = scene.desktop.evertoken(&format!("account {change}")).await;
        assert!(said.failed(1).contains("cannot be written, and nothing was changed"), "{change}: {said:?}");
    }

    assert_eq!(scene.desktop.evertoken("history default").await.succeeded(), history);
}
