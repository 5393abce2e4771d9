//! The notification daemon's name on the bus, and what it broadcasts.

use zbus::{Connection, MessageStream};

use super::super::End;
use super::shown::Ended;
use crate::system::power_and_network::bus;

/// Its name, and the name of its interface.
pub(super) const NOTIFICATIONS: &str = "org.freedesktop.Notifications";

/// Asks the bus to start a daemon if it knows of one that can be started, and does not wait for it: its name appears
/// when it runs.
pub(super) fn start_daemon(session_bus: &Connection) {
    let session_bus = session_bus.clone();
    tokio::spawn(async move {
        if let Err(error) = bus::call(&session_bus, "StartServiceByName", &(NOTIFICATIONS, 0_u32)).await {
            tracing::debug!(%error, "no notification daemon can be started");
        }
    });
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
            let (id, action): (u32, &str) = body.deserialize().ok()?;
            Some(Ended { id, end: End::of_action(action) })
        }
        "NotificationClosed" => {
            let (id, _reason): (u32, u32) = body.deserialize().ok()?;
            Some(Ended { id, end: End::Dismissed })
        }
        _ => None,
    }
}
