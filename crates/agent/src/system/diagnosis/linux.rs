//! Who is on the session bus.

use std::time::Duration;

use evertoken_core::api::diagnosis::{Presence, SessionBus};
use zbus::Connection;

use crate::system::power_and_network::bus;

/// A bus answers in a millisecond or not at all; a person waits for the answer.
const WITHIN: Duration = Duration::from_secs(3);

pub(super) async fn session_bus() -> Option<SessionBus> {
    tokio::time::timeout(WITHIN, look()).await.ok()?.ok()
}

/// On a connection of its own: the shared one is waited for without end where there is no bus.
async fn look() -> zbus::Result<SessionBus> {
    let bus = bus::session_now().await?;
    let startable: Vec<String> = bus::call(&bus, "ListActivatableNames", &()).await?.body().deserialize()?;
    Ok(SessionBus {
        tray: presence(&bus, &startable, "org.kde.StatusNotifierWatcher").await?,
        notifications: presence(&bus, &startable, "org.freedesktop.Notifications").await?,
        keychain: presence(&bus, &startable, "org.freedesktop.secrets").await?,
    })
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
