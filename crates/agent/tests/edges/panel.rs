//! A panel's side of the tray: the watcher that icons register with, and what a person does with them.

use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Structure, Value};

pub(crate) const WATCHER: &str = "org.kde.StatusNotifierWatcher";

struct Watcher(mpsc::UnboundedSender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().unwrap().to_string();
        let name = if service.starts_with('/') { sender } else { service.to_owned() };
        self.0.send(name).unwrap();
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

pub(crate) struct Panel {
    pub(crate) connection: Connection,
    registered: mpsc::UnboundedReceiver<String>,
}

/// A line of a menu: identity, label, can it be chosen?
pub(crate) type Line = (i32, String, bool);
type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Panel {
    pub(crate) async fn start() -> Self {
        let (sender, registered) = mpsc::unbounded_channel();
        let builder = Builder::session().unwrap().serve_at("/StatusNotifierWatcher", Watcher(sender)).unwrap();
        Self { connection: builder.name(WATCHER).unwrap().build().await.unwrap(), registered }
    }

    pub(crate) async fn icon(&mut self) -> Icon {
        Icon { connection: self.connection.clone(), name: self.registered.recv().await.unwrap() }
    }
}

pub(crate) struct Icon {
    connection: Connection,
    name: String,
}

impl Icon {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        self.connection.call_method(Some(self.name.as_str()), path, Some(interface), method, body).await.unwrap()
    }

    pub(crate) async fn property(&self, name: &str) -> OwnedValue {
        let property = ("org.kde.StatusNotifierItem", name);
        let value = self.call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", &property).await;
        value.body().deserialize().unwrap()
    }

    pub(crate) async fn left_click(&self) {
        self.call("/StatusNotifierItem", "org.kde.StatusNotifierItem", "Activate", &(1, 1)).await;
    }

    pub(crate) async fn middle_click(&self) {
        self.call("/StatusNotifierItem", "org.kde.StatusNotifierItem", "SecondaryActivate", &(1, 1)).await;
    }

    /// Opens the menu as panels do: announces it, then reads it.
    pub(crate) async fn open_menu(&self) -> Vec<Line> {
        self.call("/MenuBar", "com.canonical.dbusmenu", "AboutToShow", &0).await;
        let everything = (0, -1, Vec::<String>::new());
        let layout = self.call("/MenuBar", "com.canonical.dbusmenu", "GetLayout", &everything).await;
        let (_revision, root): (u32, Node) = layout.body().deserialize().unwrap();
        let mut lines = Vec::new();
        flatten(root, &mut lines);
        lines
    }

    pub(crate) async fn choose(&self, label: &str) {
        let menu = self.open_menu().await;
        let (id, _, enabled) = menu.iter().find(|line| line.1 == label).unwrap();
        assert!(enabled, "{label}");
        let clicked = (id, "clicked", Value::from(0), 0_u32);
        self.call("/MenuBar", "com.canonical.dbusmenu", "Event", &clicked).await;
    }
}

fn flatten((_, _, children): Node, lines: &mut Vec<Line>) {
    for child in children {
        let node: Node = Structure::try_from(child).unwrap().try_into().unwrap();
        if let Some(label) = node.1.get("label") {
            let enabled = node.1.get("enabled").is_none_or(|enabled| bool::try_from(enabled).unwrap());
            lines.push((node.0, String::try_from(label.try_clone().unwrap()).unwrap(), enabled));
        }
        flatten(node, lines);
    }
}
