//! The Secret Service of one desktop, as its own clients see it.

use std::collections::HashMap;

use zbus::Connection;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::Bus;
use super::deadline::eventually;

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";

/// Whoever keeps the secrets now.
pub(super) struct SecretService {
    connection: Connection,
}

impl SecretService {
    /// Waits until somebody offers it.
    pub(super) async fn on(bus: &Bus) -> Self {
        bus.owned(NAME).await;
        Self { connection: bus.connection().clone() }
    }

    /// Waits until the default collection is there and unlocked.
    pub(super) async fn is_open(&self) {
        eventually("the default collection is unlocked", async || {
            let path = self.default_collection().await?;
            (!self.is_locked(&path).await).then_some(())
        })
        .await;
    }

    /// A session whose secrets are not encrypted on their way.
    pub(super) async fn session(&self) -> OwnedObjectPath {
        let opened = self.call("org.freedesktop.Secret.Service", "OpenSession", &("plain", Value::from(""))).await;
        let (_, session): (OwnedValue, OwnedObjectPath) = opened.body().deserialize().unwrap();
        session
    }

    pub(super) async fn default_collection(&self) -> Option<OwnedObjectPath> {
        let reply = self.call("org.freedesktop.Secret.Service", "ReadAlias", &("default",)).await;
        let path: OwnedObjectPath = reply.body().deserialize().unwrap();
        (path.as_str() != "/").then_some(path)
    }

    pub(super) async fn is_locked(&self, collection: &ObjectPath<'_>) -> bool {
        let (interface, collections) = ("org.freedesktop.DBus.Properties", "org.freedesktop.Secret.Collection");
        let reply = self.call_on(collection.as_str(), interface, "GetAll", &(collections,)).await;
        let properties: HashMap<String, OwnedValue> = reply.body().deserialize().unwrap();
        bool::try_from(&properties["Locked"]).unwrap()
    }

    /// A call to the service itself.
    pub(super) async fn call<B>(&self, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.call_on(PATH, interface, method, body).await
    }

    pub(super) async fn call_on<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connection
            .call_method(Some(NAME), path, Some(interface), method, body)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}
