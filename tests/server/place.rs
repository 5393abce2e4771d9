//! A machine without a desktop, and an independent reader of the keychain file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::desktop::{Agent, Desktop, Sandbox};

/// What a keychain file begins with, and how long its nonce is.
const HEADER: &[u8] = b"evertoken keychain 1\n";
const NONCE: usize = 12;

/// A server with an agent that keeps its login in a file.
pub(super) struct Server {
    pub(super) agent: Agent,
    pub(super) sandbox: Sandbox,
    pub(super) desktop: Desktop,
}

/// Folders alone: no session bus and no system bus.
pub(super) async fn machine() -> Desktop {
    let mut desktop = Desktop::without_screen().await;
    let nowhere = format!("unix:path={}", desktop.environment.path("nowhere").display());
    desktop.environment.set("DBUS_SESSION_BUS_ADDRESS", &nowhere);
    let key = desktop.environment.path("key");
    desktop.environment.configure(&format!(
        "version = 1\n[settings]\nkeychain = \"file\"\n[settings.keychain_file]\nkey = \"{}\"\n",
        key.display()
    ));
    put_key(&desktop, &[0xa5; 32]);
    desktop
}

fn put_key(desktop: &Desktop, key: &[u8]) {
    let path = desktop.environment.path("key");
    fs::write(&path, key).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Server {
    pub(super) async fn logged_in(sandbox_options: &str) -> Self {
        let desktop = machine().await;
        let sandbox = Sandbox::start(&desktop, sandbox_options).await;
        let mut agent = Agent::launch(&desktop, &["--no-tray"]);
        agent.is_ready(&desktop).await;
        desktop.login("default", &sandbox).await;
        Self { agent, sandbox, desktop }
    }

    pub(super) fn launch(&self) -> Agent {
        Agent::launch(&self.desktop, &["--no-tray"])
    }

    /// Kills the agent, if it still runs, and starts another.
    pub(super) async fn restarted(mut self) -> Self {
        self.agent.kill();
        self.agent = self.launch();
        self.agent.is_ready(&self.desktop).await;
        self
    }

    pub(super) fn key(&self) -> PathBuf {
        self.desktop.environment.path("key")
    }

    pub(super) fn put_key(&self, key: &[u8]) {
        put_key(&self.desktop, key);
    }

    /// The keychain file.
    pub(super) fn sealed(&self) -> PathBuf {
        self.desktop.environment.path("state/evertoken/keychain.sealed")
    }

    /// Cuts the keychain file off.
    pub(super) fn tear(&self, length: fn(usize) -> usize) {
        let bytes = fs::read(self.sealed()).unwrap();
        fs::write(self.sealed(), &bytes[..length(bytes.len())]).unwrap();
    }

    /// What the keychain file holds, opened as its documentation says and not with the product's code.
    pub(super) fn entries(&self) -> BTreeMap<String, String> {
        open_keychain_file(&fs::read(self.key()).unwrap(), fs::read(self.sealed()).unwrap())
    }

    /// Waits for two more rotations.
    pub(super) async fn goes_on(&self, account: &str) {
        let rotations = self.desktop.status().await.rotations(account);
        let what = "two more rotations";
        self.desktop
            .until(what, |status| status.state(account) == "valid" && status.rotations(account) >= rotations + 2)
            .await;
    }

    pub(super) async fn nothing_was_refused(&self, when: &str) {
        let refused = self.sandbox.requests().await.into_iter().find(|one| matches!(one.status, Some(400..=499)));
        assert!(refused.is_none(), "{when}: {refused:?}");
    }
}

/// What a keychain file holds, by the names of its entries.
pub(crate) fn open_keychain_file(key: &[u8], mut bytes: Vec<u8>) -> BTreeMap<String, String> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).unwrap();
    let rest = bytes.strip_prefix(HEADER).unwrap();
    let nonce = Nonce::try_assume_unique_for_key(&rest[..NONCE]).unwrap();
    let sealed = &mut bytes[HEADER.len() + NONCE..];
    let text = LessSafeKey::new(key).open_in_place(nonce, Aad::from(HEADER), sealed).unwrap();
    let mut services: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_slice(text).unwrap();
    services.remove("evertoken-dev").unwrap()
}
