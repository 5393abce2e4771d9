//! A real gnome-keyring with a keyring file of its own.

use std::collections::HashMap;

use zbus::Connection;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::Desktop;
use super::deadline::eventually;
use super::process::{Outcome, Process};

const NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "/org/freedesktop/secrets";
const PASSWORD: &str = "not a secret";

/// The keychain service name of a debug build.
const KEYCHAIN_SERVICE: &str = "evertoken-dev";

/// A running gnome-keyring-daemon. Killed when it goes.
pub(crate) struct Keyring {
    connection: Connection,
    daemon: Process,
}

impl Keyring {
    /// Starts the daemon and unlocks the keyring as a log-in to the desktop does; makes one the first time.
    pub(crate) async fn start(desktop: &Desktop) -> Self {
        let mut command = desktop.environment.command("gnome-keyring-daemon");
        command.args(["--unlock", "--components=secrets", "--foreground"]);
        let daemon = Process::spawn_with_input(&mut command, PASSWORD.as_bytes());
        let keyring = Self::answering(desktop, daemon).await;
        eventually("the keyring is unlocked", async || {
            let path = keyring.default_collection().await?;
            (!keyring.is_locked(&path).await).then_some(())
        })
        .await;
        keyring
    }

    /// Starts the daemon as after an automatic log-in: the keyring is there and locked, or was never made.
    pub(crate) async fn start_locked(desktop: &Desktop) -> Self {
        let mut command = desktop.environment.command("gnome-keyring-daemon");
        command.args(["--components=secrets", "--foreground"]);
        let daemon = Process::spawn(&mut command);
        Self::answering(desktop, daemon).await
    }

    async fn answering(desktop: &Desktop, daemon: Process) -> Self {
        desktop.bus.owned(NAME).await;
        Self { connection: desktop.bus.connection().clone(), daemon }
    }

    /// Locks the default keyring, as a screen lock or a person may.
    pub(crate) async fn lock(&self) {
        let path = self.default_collection().await.unwrap();
        self.call(SERVICE, "org.freedesktop.Secret.Service", "Lock", &(vec![&path],)).await;
        assert!(self.is_locked(&path).await);
    }

    /// Unlocks it without a person, by the interface that the log-in uses.
    pub(crate) async fn unlock(&self) {
        let opened =
            self.call(SERVICE, "org.freedesktop.Secret.Service", "OpenSession", &("plain", Value::from(""))).await;
        let (_, session): (OwnedValue, OwnedObjectPath) = opened.body().deserialize().unwrap();
        let path = self.default_collection().await.unwrap();
        let secret = (&session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        self.call(
            SERVICE,
            "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            "UnlockWithMasterPassword",
            &(&path, secret),
        )
        .await;
        assert!(!self.is_locked(&path).await);
    }

    /// The daemon dies without a word, as in a crash.
    pub(crate) fn kill(mut self) {
        self.daemon.kill();
    }

    /// What another program of this user can read of ours: attributes and secret of each entry, as text.
    pub(crate) async fn entries(desktop: &Desktop) -> String {
        let mut command = desktop.environment.command("secret-tool");
        command.args(["search", "--all", "--unlock", "service", KEYCHAIN_SERVICE]);
        let outcome = Outcome::of(command, b"").await;
        format!("{}{}", outcome.stdout, outcome.stderr)
    }

    async fn default_collection(&self) -> Option<OwnedObjectPath> {
        let reply = self.call(SERVICE, "org.freedesktop.Secret.Service", "ReadAlias", &("default",)).await;
        let path: OwnedObjectPath = reply.body().deserialize().unwrap();
        (path.as_str() != "/").then_some(path)
    }

    async fn is_locked(&self, collection: &ObjectPath<'_>) -> bool {
        let reply = self
            .call(
                collection.as_str(),
                "org.freedesktop.DBus.Properties",
                "GetAll",
                &("org.freedesktop.Secret.Collection",),
            )
            .await;
        let properties: HashMap<String, OwnedValue> = reply.body().deserialize().unwrap();
        bool::try_from(&properties["Locked"]).unwrap()
    }

    async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connection
            .call_method(Some(NAME), path, Some(interface), method, body)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}
