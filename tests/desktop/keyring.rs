//! A real gnome-keyring with a keyring file of its own.

use std::collections::HashMap;
use std::sync::Mutex;

use evertoken_core::oauth::origin::Origin;
use serde::Deserialize;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::Desktop;
use super::process::{Outcome, Process};
use super::secret_service::SecretService;

const PASSWORD: &str = "not a secret";

/// The keychain service name of a debug build.
const KEYCHAIN_SERVICE: &str = "evertoken-dev";

/// What gnome-keyring's own programs use where nobody can be asked.
const INTERNAL: &str = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";

const ITEM: &str = "org.freedesktop.Secret.Item";

/// An entry as the Secret Service keeps it.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) secret: String,
}

/// A running gnome-keyring-daemon. Killed when it goes.
pub(crate) struct Keyring {
    service: SecretService,
    daemon: Process,
}

impl Keyring {
    /// Starts the daemon and unlocks the keyring as a log-in to the desktop does; makes one the first time.
    pub(crate) async fn start(desktop: &Desktop) -> Self {
        let mut command = desktop.environment.command("gnome-keyring-daemon");
        command.args(["--unlock", "--components=secrets", "--foreground"]);
        let daemon = Process::spawn_with_input(&mut command, PASSWORD.as_bytes());
        let keyring = Self::answering(desktop, daemon).await;
        keyring.service.is_open().await;
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
        Self { service: SecretService::on(&desktop.bus).await, daemon }
    }

    /// Locks the default keyring, as a screen lock or a person may.
    pub(crate) async fn lock(&self) {
        let path = self.service.default_collection().await.unwrap();
        self.service.call("org.freedesktop.Secret.Service", "Lock", &(vec![&path],)).await;
        assert!(self.service.is_locked(&path).await);
    }

    /// Unlocks it without a person, by the interface that the log-in uses.
    pub(crate) async fn unlock(&self) {
        let session = self.service.session().await;
        let path = self.service.default_collection().await.unwrap();
        let secret = (&session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        self.service.call(INTERNAL, "UnlockWithMasterPassword", &(&path, secret)).await;
        assert!(!self.service.is_locked(&path).await);
    }

    /// Makes the logins of these servers logins of others, as if they had been made there.
    pub(crate) async fn move_logins(desktop: &Desktop, pairs: &[(String, String)]) {
        let origin = |endpoint: &str| serde_json::to_string(&Origin::of(&endpoint.parse().unwrap())).unwrap();
        let moved = |entry: String, (from, to): &(String, String)| entry.replace(&origin(from), &origin(to));
        Self::rewrite(desktop, |user, entry| (user.to_owned(), pairs.iter().fold(entry.to_owned(), moved))).await;
    }

    /// Changes every entry of ours, given its name and its text, as another version or another program may.
    pub(crate) async fn rewrite(desktop: &Desktop, change: impl Fn(&str, &str) -> (String, String)) {
        let service = SecretService::on(&desktop.bus).await;
        let session = service.session().await;
        let wanted = HashMap::from([("service", KEYCHAIN_SERVICE)]);
        let found = service.call("org.freedesktop.Secret.Service", "SearchItems", &(wanted,)).await;
        let (items, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = found.body().deserialize().unwrap();
        for item in items {
            let path = item.as_str();
            let reply = service.call_on(path, "org.freedesktop.DBus.Properties", "Get", &(ITEM, "Attributes")).await;
            let attributes: OwnedValue = reply.body().deserialize().unwrap();
            let mut attributes: HashMap<String, String> = attributes.try_into().unwrap();
            let secret = service.call_on(path, ITEM, "GetSecret", &(&session,)).await;
            let (_, _, entry, kind): (OwnedObjectPath, Vec<u8>, Vec<u8>, String) = secret.body().deserialize().unwrap();
            let before = String::from_utf8(entry).unwrap();
            let (user, entry) = change(&attributes["username"], &before);
            if user != attributes["username"] {
                attributes.insert("username".to_owned(), user);
                let value = Value::from(attributes);
                service.call_on(path, "org.freedesktop.DBus.Properties", "Set", &(ITEM, "Attributes", value)).await;
            }
            if entry != before {
                let secret = (&session, Vec::<u8>::new(), entry.as_bytes(), kind);
                service.call_on(path, ITEM, "SetSecret", &(secret,)).await;
            }
        }
    }

    /// Every entry of ours: its name, and its text.
    pub(crate) async fn logins(desktop: &Desktop) -> Vec<(String, String)> {
        let found = Mutex::new(Vec::new());
        Self::rewrite(desktop, |user, entry| {
            let pair = (user.to_owned(), entry.to_owned());
            found.lock().unwrap().push(pair.clone());
            pair
        })
        .await;
        found.into_inner().unwrap()
    }

    /// Puts entries into a second keyring, which is made for it.
    pub(crate) async fn put_into_another(desktop: &Desktop, logins: &[(String, String)]) {
        let service = SecretService::on(&desktop.bus).await;
        let session = service.session().await;
        let label = HashMap::from([("org.freedesktop.Secret.Collection.Label", Value::from("second"))]);
        let password = (&session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        let made = service.call(INTERNAL, "CreateWithMasterPassword", &(label, password)).await;
        let collection: OwnedObjectPath = made.body().deserialize().unwrap();
        for (user, secret) in logins {
            let attributes = [("service", KEYCHAIN_SERVICE), ("username", user)];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let entry = Entry { label: user.clone(), attributes, secret: secret.clone() };
            put_into(&service, &collection, &session, &entry).await;
        }
    }

    /// Puts entries into the default keyring, as another program may.
    pub(crate) async fn put(desktop: &Desktop, entries: &[Entry]) {
        let service = SecretService::on(&desktop.bus).await;
        let session = service.session().await;
        let collection = service.default_collection().await.unwrap();
        for entry in entries {
            put_into(&service, &collection, &session, entry).await;
        }
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
}

async fn put_into(service: &SecretService, collection: &OwnedObjectPath, session: &OwnedObjectPath, entry: &Entry) {
    let Entry { label, attributes, secret } = entry;
    let properties = HashMap::from([
        ("org.freedesktop.Secret.Item.Label", Value::from(label.as_str())),
        ("org.freedesktop.Secret.Item.Attributes", Value::from(attributes.clone())),
    ]);
    let secret = (session, Vec::<u8>::new(), secret.as_bytes(), "text/plain");
    let interface = "org.freedesktop.Secret.Collection";
    service.call_on(collection.as_str(), interface, "CreateItem", &(properties, secret, true)).await;
}
