//! A notification daemon in the test process that remembers what was shown and clicks on command.

use std::collections::HashMap;

use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use super::bus::Bus;
use super::deadline::PATIENCE;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// Reasons of `NotificationClosed` in the Desktop Notifications Specification.
const DISMISSED: u32 = 2;
const CLOSED_BY_CALL: u32 = 3;

/// One notification as it is, or was last, shown.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    pub(crate) id: u32,
    pub(crate) summary: String,
    pub(crate) body: String,
    /// Key and label of each button.
    pub(crate) actions: Vec<(String, String)>,
    pub(crate) is_open: bool,
    /// How often it was shown: 1, and one more for each replacement.
    pub(crate) shown: u32,
    sender: String,
    resident: bool,
}

/// The daemon. Comes when it is made; leaves with [`Notifications::leave`].
pub(crate) struct Notifications {
    connection: Connection,
    records: watch::Sender<Vec<Notification>>,
}

impl Notifications {
    pub(crate) async fn arrive(bus: &Bus) -> Self {
        let (records, _) = watch::channel(Vec::new());
        let connection = bus.another_connection().await;
        let service = Service { records: records.clone() };
        connection.object_server().at(PATH, service).await.unwrap();
        connection.request_name(NAME).await.unwrap();
        Self { connection, records }
    }

    /// Every notification there ever was.
    pub(crate) fn all(&self) -> Vec<Notification> {
        self.records.borrow().clone()
    }

    /// Those a person sees now.
    pub(crate) fn open(&self) -> Vec<Notification> {
        let mut all = self.all();
        all.retain(|notification| notification.is_open);
        all
    }

    /// Waits until one with this title is on the screen.
    pub(crate) async fn shown(&self, summary: &str) -> Notification {
        let is_it = |one: &Notification| one.is_open && one.summary == summary;
        self.until(&format!("a notification “{summary}”"), |all| all.iter().any(is_it)).await;
        self.all().into_iter().find(is_it).unwrap()
    }

    /// Waits until nothing is on the screen any more.
    pub(crate) async fn gone(&self) {
        self.until("all notifications are withdrawn", |all| all.iter().all(|one| !one.is_open)).await;
    }

    async fn until(&self, what: &str, condition: impl Fn(&[Notification]) -> bool) {
        let mut changes = self.records.subscribe();
        let seen = tokio::time::timeout(PATIENCE, changes.wait_for(|all| condition(all))).await;
        assert!(seen.is_ok(), "not within {PATIENCE:?}: {what}; shown so far: {:#?}", self.all());
    }

    /// Clicks a button by its label, once the program that showed it listens.
    pub(crate) async fn click(&self, bus: &Bus, notification: &Notification, label: &str) {
        let Some((key, _)) = notification.actions.iter().find(|(_, named)| named == label) else {
            panic!("no button “{label}” on {notification:#?}");
        };
        bus.listens(&notification.sender, NAME).await;
        self.emit("ActionInvoked", &(notification.id, key)).await;
        if !notification.resident {
            self.close(notification.id, DISMISSED).await;
        }
    }

    /// A person waves it away.
    pub(crate) async fn dismiss(&self, bus: &Bus, notification: &Notification) {
        bus.listens(&notification.sender, NAME).await;
        self.close(notification.id, DISMISSED).await;
    }

    async fn close(&self, id: u32, reason: u32) {
        mark_closed(&self.records, id);
        self.emit("NotificationClosed", &(id, reason)).await;
    }

    async fn emit<B>(&self, signal: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connection.emit_signal(None::<&str>, PATH, NAME, signal, body).await.unwrap();
    }

    /// The daemon goes away, and everything it showed with it.
    pub(crate) async fn leave(self) {
        self.connection.release_name(NAME).await.unwrap();
        self.connection.close().await.unwrap();
    }
}

fn mark_closed(records: &watch::Sender<Vec<Notification>>, id: u32) {
    records.send_modify(|all| {
        for one in all.iter_mut().filter(|one| one.id == id) {
            one.is_open = false;
        }
    });
}

struct Service {
    records: watch::Sender<Vec<Notification>>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(clippy::too_many_arguments, reason = "the specification's signature")]
    fn notify(
        &self,
        _app_name: String,
        replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
        #[zbus(header)] header: Header<'_>,
    ) -> u32 {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let actions = actions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        let mut shown = Notification {
            id: replaces_id,
            summary,
            body,
            actions: actions.collect(),
            is_open: true,
            shown: 1,
            sender,
            resident: hints.get("resident").is_some_and(|value| bool::try_from(value).unwrap_or(false)),
        };
        self.records.send_modify(|all| {
            if shown.id == 0 {
                shown.id = u32::try_from(all.len()).unwrap() + 1;
            }
            match all.iter_mut().find(|one| one.id == shown.id) {
                Some(known) => {
                    shown.shown += known.shown;
                    *known = shown.clone();
                }
                None => all.push(shown.clone()),
            }
        });
        shown.id
    }

    async fn close_notification(&self, id: u32, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        mark_closed(&self.records, id);
        let _ = Self::notification_closed(&emitter, id, CLOSED_BY_CALL).await;
    }

    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "persistence"].map(str::to_owned).to_vec()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let [name, vendor, version, spec] = ["double", "tests", "1", "1.2"].map(str::to_owned);
        (name, vendor, version, spec)
    }

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}
