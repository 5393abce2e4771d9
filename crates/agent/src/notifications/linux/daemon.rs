//! The notification daemon's name on the bus, and what it broadcasts.

use zbus::{Connection, MessageStream};

use super::super::End;
use super::shown::Ended;
use crate::system_signals::bus;

/// Its name, and the name of its interface.
pub(super) const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

/// Is there a daemon now?
pub(super) async fn has_owner(session_bus: &Connection) -> zbus::Result<bool> {
    bus_call(session_bus, "NameHasOwner", &NOTIFICATIONS).await?.body().deserialize()
}

/// Asks the bus to start a daemon if it knows of one that can be started, and does not wait for it: its name appears
/// when it runs.
pub(super) fn start_daemon(session_bus: &Connection) {
    let session_bus = session_bus.clone();
    tokio::spawn(async move {
        if let Err(error) = bus_call(&session_bus, "StartServiceByName", &(NOTIFICATIONS, 0_u32)).await {
            tracing::debug!(%error, "no notification daemon can be started");
        }
    });
}

async fn bus_call<B>(session_bus: &Connection, method: &str, body: &B) -> zbus::Result<zbus::Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    const BUS: &str = "org.freedesktop.DBus";
    session_bus.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), method, body).await
}

/// Both signals that say that a notification has ended.
pub(super) async fn ends(session_bus: &Connection) -> zbus::Result<MessageStream> {
    let rule = bus::signal_rule()
        .sender(NOTIFICATIONS)?
        .path("/org/freedesktop/Notifications")?
        .interface(NOTIFICATIONS)?
        .build();
    MessageStream::for_match_rule(rule, session_bus, None).await
}

/// The end that a signal reports, of whichever notification.
pub(super) fn reported_end(signal: &zbus::Message) -> Option<Ended> {
    let header = signal.header();
    let body = signal.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (id, _action): (u32, &str) = body.deserialize().ok()?;
            Some(Ended { id, end: End::Clicked })
        }
        "NotificationClosed" => {
            let (id, _reason): (u32, u32) = body.deserialize().ok()?;
            Some(Ended { id, end: End::Dismissed })
        }
        _ => None,
    }
}
