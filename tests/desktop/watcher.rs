//! The tray's host: a StatusNotifierWatcher in the test process.

use tokio::sync::watch;
use zbus::Connection;
use zbus::interface;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;

use super::bus::Bus;

const NAME: &str = "org.kde.StatusNotifierWatcher";

/// A host for tray icons. Comes when it is made; leaves with [`Watcher::leave`].
pub(crate) struct Watcher {
    connection: Connection,
    items: watch::Receiver<Vec<Item>>,
}

/// Where a tray icon can be reached.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) service: String,
    pub(crate) path: String,
}

impl Watcher {
    pub(crate) async fn arrive(bus: &Bus) -> Self {
        let (sender, items) = watch::channel(Vec::new());
        let connection = bus.another_connection().await;
        connection.object_server().at("/StatusNotifierWatcher", Service { items: sender }).await.unwrap();
        connection.request_name(NAME).await.unwrap();
        Self { connection, items }
    }

    /// Every icon that ever registered here, in order.
    pub(crate) fn items(&self) -> Vec<Item> {
        self.items.borrow().clone()
    }

    /// The host goes away, as when a panel is restarted.
    pub(crate) async fn leave(self) {
        self.connection.release_name(NAME).await.unwrap();
        self.connection.close().await.unwrap();
    }
}

struct Service {
    items: watch::Sender<Vec<Item>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Service {
    async fn register_status_notifier_item(
        &self,
        service: String,
        #[zbus(header)] header: Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) {
        // Some send the object's path, some a bus name, some both.
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = match service.find('/') {
            Some(0) => Item { service: sender, path: service.clone() },
            Some(cut) => Item { service: service[..cut].to_owned(), path: service[cut..].to_owned() },
            None => Item { service: service.clone(), path: "/StatusNotifierItem".to_owned() },
        };
        self.items.send_modify(|items| items.push(item));
        let _ = Self::status_notifier_item_registered(&emitter, service).await;
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.borrow();
        items.iter().map(|item| format!("{}{}", item.service, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(signal)]
    async fn status_notifier_item_registered(emitter: &SignalEmitter<'_>, service: String) -> zbus::Result<()>;
}
