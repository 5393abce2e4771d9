//! Who is on the session bus.

use std::time::Duration;

use evertoken_core::api::diagnosis::{Presence, SessionBus};
use evertoken_core::keychain::KeychainProblem;
use zbus::Connection;

use crate::system::power_and_network::bus;

const SECRETS: &str = "org.freedesktop.secrets";
/// A bus answers in a millisecond or not at all; a person waits for the answer.
const WITHIN: Duration = Duration::from_secs(3);

/// Who is there, and what the keychain lacks.
pub(super) async fn session_bus() -> Option<(SessionBus, Option<KeychainProblem>)> {
    tokio::time::timeout(WITHIN, look()).await.ok()?.ok()
}

/// On a connection of its own: the shared one is waited for without end where there is no bus.
async fn look() -> zbus::Result<(SessionBus, Option<KeychainProblem>)> {
    let bus = bus::session_now().await?;
    let startable: Vec<String> = bus::call(&bus, "ListActivatableNames", &()).await?.body().deserialize()?;
    let who = SessionBus {
        tray: presence(&bus, &startable, "org.kde.StatusNotifierWatcher").await?,
        notifications: presence(&bus, &startable, "org.freedesktop.Notifications").await?,
        keychain: presence(&bus, &startable, SECRETS).await?,
    };
    // Asking would start one that does not run.
    let lacks_default = who.keychain == Presence::Running && has_default_keyring(&bus).await.is_ok_and(|has| !has);
    Ok((who, lacks_default.then_some(KeychainProblem::NoDefaultKeyring)))
}

/// By the alias that new entries go to (Secret Service API, "ReadAlias"); `/` stands for none.
async fn has_default_keyring(bus: &Connection) -> zbus::Result<bool> {
    let interface = Some("org.freedesktop.Secret.Service");
    let answer = bus.call_method(Some(SECRETS), "/org/freedesktop/secrets", interface, "ReadAlias", &"default").await?;
    let collection: zbus::zvariant::OwnedObjectPath = answer.body().deserialize()?;
    Ok(collection.as_str() != "/")
}

async fn presence(bus: &Connection, startable: &[String], name: &str) -> zbus::Result<Presence> {
    Ok(if bus::has_owner(bus, name).await? {
        Presence::Running
    } else if startable.iter().any(|startable| startable == name) {
        Presence::Startable
    } else {
        Presence::Absent
    })
}
