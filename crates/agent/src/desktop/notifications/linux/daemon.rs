//! The notification daemon: its name on the bus, what it is asked, and what it broadcasts (Desktop Notifications
//! Specification 1.2).
//!
//! Everything goes over one connection: GNOME lets nobody else replace or close a notification, tells nobody else of a
//! click, and takes a notification away when the connection that sent it goes.

use std::collections::HashMap;

use evertoken_core::present::notification::{Abilities, Notification};
use zbus::zvariant::{StructureBuilder, Value};
use zbus::{Connection, MessageStream};

use super::super::{End, actions};
use crate::desktop::tray::picture;
use crate::system::power_and_network::bus;

/// Its name, and the name of its interface.
pub(super) const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// The daemon's id of a notification, and how it ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) id: u32,
    pub(super) end: End,
}

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
    let rule = bus::signal_rule().sender(NOTIFICATIONS)?.path(PATH)?.interface(NOTIFICATIONS)?.build();
    MessageStream::for_match_rule(rule, session_bus, None).await
}

/// The end that a signal reports, of whichever notification.
pub(super) fn reported_end(signal: &zbus::Message) -> Option<Ended> {
    /// The reason of `NotificationClosed` that stands for a person's hand.
    const BY_THE_PERSON: u32 = 2;
    let header = signal.header();
    let body = signal.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (id, action): (u32, &str) = body.deserialize().ok()?;
            Some(Ended { id, end: End::of_action(action) })
        }
        "NotificationClosed" => {
            let (id, reason): (u32, u32) = body.deserialize().ok()?;
            Some(Ended { id, end: if reason == BY_THE_PERSON { End::Dismissed } else { End::Gone } })
        }
        _ => None,
    }
}

/// What the daemon can do. One that does not say is taken to have buttons, as most have.
pub(super) async fn abilities(session_bus: &Connection) -> Abilities {
    let named = call(session_bus, "GetCapabilities", &()).await.and_then(|answer| answer.body().deserialize());
    named.map_or(Abilities { actions: true, markup: false }, |named: Vec<String>| {
        let can = |ability: &str| named.iter().any(|named| named == ability);
        Abilities { actions: can("actions"), markup: can("body-markup") }
    })
}

/// Shows it, in place of `replaced` if that is still there; `quietly`: without a sound. Returns the daemon's id.
pub(super) async fn show(
    session_bus: &Connection,
    notification: &Notification,
    abilities: Abilities,
    replaced: Option<u32>,
    quietly: bool,
) -> zbus::Result<u32> {
    /// Milliseconds for which an answer stays.
    const TRANSIENT: i32 = 5_000;
    const UNTIL_IT_IS_ANSWERED: i32 = 0;
    let transient = notification.kind.is_transient();
    let mut hints: HashMap<&str, Value<'_>> = HashMap::from([
        ("desktop-entry", "evertoken".into()),
        ("category", "network".into()),
        ("urgency", u8::from(!transient).into()),
    ]);
    if transient {
        hints.insert("transient", true.into());
    }
    if quietly {
        hints.insert("suppress-sound", true.into());
    }
    hints.extend(image_data().map(|data| ("image-data", data)));
    let chosen = if abilities.actions { actions(&notification.buttons) } else { Vec::new() };
    let chosen: Vec<&str> = chosen.into_iter().flat_map(|(name, label)| [name, label]).collect();
    let text = notification.text(abilities);
    let timeout = if transient { TRANSIENT } else { UNTIL_IT_IS_ANSWERED };
    let body = |replaced| ("Evertoken", replaced, "", &notification.title, &text, &chosen, &hints, timeout);
    let answer = match (call(session_bus, "Notify", &body(replaced.unwrap_or(0))).await, replaced) {
        // GNOME refuses the id of a connection that has gone, and has taken away what that one showed.
        (Err(zbus::Error::MethodError(..)), Some(_)) => call(session_bus, "Notify", &body(0)).await,
        (answer, _) => answer,
    };
    answer?.body().deserialize()
}

/// Takes it off the screen.
pub(super) async fn close(session_bus: &Connection, id: u32) {
    if let Err(error) = call(session_bus, "CloseNotification", &id).await {
        tracing::debug!(%error, "a notification could not be closed");
    }
}

async fn call<B>(session_bus: &Connection, method: &str, body: &B) -> zbus::Result<zbus::Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    session_bus.call_method(Some(NOTIFICATIONS), PATH, Some(NOTIFICATIONS), method, body).await
}

/// The application's picture as the daemon takes it, `(iiibiiay)`: no theme has to have it installed.
fn image_data() -> Option<Value<'static>> {
    let picture = picture::of_the_application()?;
    let (width, height) = (i32::try_from(picture.width).ok()?, i32::try_from(picture.height).ok()?);
    let (row, has_alpha, bits, channels) = (width * 4, true, 8_i32, 4_i32);
    let fields = StructureBuilder::new().add_field(width).add_field(height).add_field(row).add_field(has_alpha);
    let fields = fields.add_field(bits).add_field(channels).add_field(picture.rgba);
    fields.build().ok().map(Value::Structure)
}
