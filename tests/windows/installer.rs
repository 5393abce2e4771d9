//! The setup program and the zip that `cargo xtask package windows` makes, as a person uses them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::desktop::{Desktop, Outcome, Sandbox, eventually};

const EARLIER: &str = "0.0.9";
const NOW: &str = env!("CARGO_PKG_VERSION");
const UNINSTALL: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Evertoken";
const RUN: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
const NOTIFICATIONS: &str = r"HKCU\Software\Classes\AppUserModelId\Evertoken";

/// A person's Windows, where Evertoken's files are where Windows says, and not where the tests do.
struct Person {
    desktop: Desktop,
    local: PathBuf,
}

impl Person {
    async fn new() -> Self {
        let mut desktop = Desktop::of_windows().await;
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            desktop.environment.set(name, "");
        }
        let users = fs::read_dir(desktop.environment.path("wine/drive_c/users")).unwrap().flatten();
        let person = users.map(|entry| entry.path()).find(|path| !path.ends_with("Public")).unwrap();
        Self { desktop, local: person.join("AppData/Local") }
    }

    fn folder(&self) -> PathBuf {
        self.local.join("Programs/Evertoken")
    }

    async fn set_up(&self, folder: &str, version: &str) {
        let setup = format!("/mnt/windows/{folder}/evertoken-{version}-windows-x86_64-setup.exe");
        self.desktop.wine(&[&setup, "/S"]).await.succeeded();
    }

    fn evertoken(&self, arguments: &str) -> Command {
        let program = self.folder().join("bin/evertoken.exe").display().to_string();
        let words: Vec<&str> = std::iter::once(program.as_str()).chain(arguments.split(' ')).collect();
        self.desktop.wine_command(&words)
    }

    async fn says(&self, arguments: &str) -> String {
        Outcome::of(self.evertoken(arguments), b"").await.succeeded().to_owned()
    }

    async fn agent(&self) -> String {
        let status: serde_json::Value = serde_json::from_str(&self.says("status --json").await).unwrap();
        status["agent"]["pid"].to_string()
    }

    /// A value of the registry, or nothing.
    async fn registry(&self, key: &str, value: &str) -> String {
        let said = self.desktop.wine(&["reg", "query", key, "/v", value]).await;
        if said.code == 0 { said.stdout } else { String::new() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_program_installs_upgrades_under_a_running_agent_and_removes() {
    let person = Person::new().await;
    let sandbox = Sandbox::start(&person.desktop, "--expires-in 1h").await;
    let shortcut = person.local.with_file_name("Roaming/Microsoft/Windows/Start Menu/Programs/Evertoken.lnk");

    person.set_up("packages-before", EARLIER).await;

    assert!(person.registry(UNINSTALL, "DisplayVersion").await.contains(EARLIER));
    assert!(person.registry(RUN, "evertoken-agent").await.contains(r"\bin\evertoken-agent.exe"));
    assert!(person.registry(NOTIFICATIONS, "DisplayName").await.contains("Evertoken"));
    assert!(person.registry(r"HKCU\Environment", "Path").await.contains(r"Programs\Evertoken\bin"));
    assert!(shortcut.is_file(), "{}", shortcut.display());
    let first = person.agent().await;
    let grant = sandbox.sign_in().await;
    let login = person.evertoken(&format!("login default --endpoint {}", sandbox.endpoint()));
    Outcome::of(login, grant.refresh_token.as_bytes()).await.succeeded();
    let token = person.says("token").await;
    assert!(person.local.join("evertoken/config.toml").is_file(), "where Windows says");
    let requests = sandbox.requests().await.len();

    // What a person has decided, an upgrade leaves alone.
    person.desktop.wine(&["reg", "delete", RUN, "/v", "evertoken-agent", "/f"]).await.succeeded();
    person.set_up("packages", NOW).await;

    assert!(person.registry(UNINSTALL, "DisplayVersion").await.contains(NOW));
    assert_eq!(person.registry(RUN, "evertoken-agent").await, "");
    assert_ne!(person.agent().await, first, "the new program runs");
    assert_eq!(person.says("token").await, token);
    assert_eq!(sandbox.requests().await.len(), requests, "an upgrade refreshes nothing");

    let uninstall = person.folder().join("uninstall.exe").display().to_string();
    person.desktop.wine(&[&uninstall, "/S"]).await.succeeded();

    eventually("everything is removed", async || (!person.folder().exists()).then_some(())).await;
    eventually("the entry goes", async || person.registry(UNINSTALL, "DisplayName").await.is_empty().then_some(()))
        .await;
    assert!(!shortcut.exists());
    assert_eq!(person.registry(NOTIFICATIONS, "DisplayName").await, "");
    assert!(!person.registry(r"HKCU\Environment", "Path").await.contains("Evertoken"));
    assert!(person.local.join("evertoken/config.toml").is_file(), "the login stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_of_the_zip_run_where_it_is_unpacked() {
    let person = Person::new().await;
    let zip = PathBuf::from(std::env::var_os("EVERTOKEN_WINE").unwrap());
    let zip = zip.join(format!("mnt/windows/packages/evertoken-{NOW}-windows-x86_64.zip"));
    let folder = person.desktop.environment.path("home");
    let unzipped = Command::new("unzip").arg("-q").arg(&zip).arg("-d").arg(&folder).status().unwrap();
    assert!(unzipped.success());
    let program = folder.join(format!("evertoken-{NOW}-windows-x86_64/bin/evertoken.exe")).display().to_string();
    let said = person.desktop.wine(&[&program, "--version"]).await;
    assert!(said.succeeded().contains(NOW), "{said:?}");
    let said = person.desktop.wine(&[&program, "doctor"]).await;
    assert!(said.stdout.contains("the zip"), "{said:?}");
}
