//! The tray icon as a panel sees it: read the menu, click, read the tooltip and the picture.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use zbus::Connection;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Structure, Value};

use super::bus::Bus;
use super::deadline::eventually;
use super::watcher::{Item, Watcher};

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// One line of the menu, without mnemonics.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    id: i32,
    pub(crate) label: String,
    pub(crate) is_enabled: bool,
    pub(crate) children: Vec<Entry>,
}

/// A registered icon.
pub(crate) struct Tray {
    connection: Connection,
    item: Item,
}

type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);
type Pixmap = (i32, i32, Vec<u8>);

impl Tray {
    /// Waits for an icon of a program that still lives.
    pub(crate) async fn appears(bus: &Bus, watcher: &Watcher) -> Self {
        let item = eventually("a tray icon registers", async || {
            let item = watcher.items().pop()?;
            bus.has_owner(&item.service).await.then_some(item)
        })
        .await;
        Self { connection: bus.connection().clone(), item }
    }

    /// The menu, from the top; separators and hidden lines left out.
    pub(crate) async fn menu(&self) -> Vec<Entry> {
        let menu = self.menu_path().await;
        let _ = self.call(&menu, MENU, "AboutToShow", &(0_i32,)).await;
        let arguments = (0_i32, -1_i32, Vec::<String>::new());
        let reply = self.call(&menu, MENU, "GetLayout", &arguments).await.unwrap();
        let (_, root): (u32, Layout) = reply.body().deserialize().unwrap();
        entries(root.2)
    }

    /// Every label, a submenu's joined to its parent's with ` > `.
    pub(crate) async fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        collect(&self.menu().await, "", &mut |label, _| labels.push(label.to_owned()));
        labels
    }

    /// Waits until a line's label fits, and returns the label.
    pub(crate) async fn label(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let what = format!("a menu line {what}");
        eventually(&what, async || self.labels().await.into_iter().find(|label| fits(label))).await
    }

    /// Waits until a line of this label path is there and enabled, and clicks it.
    pub(crate) async fn click(&self, label: &str) {
        let entry = eventually(&format!("“{label}” can be clicked"), async || {
            let mut found = None;
            collect(&self.menu().await, "", &mut |path, entry| {
                if path == label && entry.is_enabled {
                    found = Some(entry.clone());
                }
            });
            found
        })
        .await;
        let event = (entry.id, "clicked", Value::from(0_i32), 0_u32);
        let menu = self.menu_path().await;
        self.call(&menu, MENU, "Event", &event).await.unwrap();
    }

    /// A left click on the icon.
    pub(crate) async fn left_click(&self) {
        self.call(&self.item.path, ITEM, "Activate", &(10_i32, 10_i32)).await.unwrap();
    }

    /// A middle click on the icon.
    pub(crate) async fn middle_click(&self) {
        self.call(&self.item.path, ITEM, "SecondaryActivate", &(10_i32, 10_i32)).await.unwrap();
    }

    /// The tooltip's title, which is all that some panels show.
    pub(crate) async fn tooltip_title(&self) -> String {
        let (_, _, title, _): (String, Vec<Pixmap>, String, String) = self.property("ToolTip").await.unwrap();
        title
    }

    /// Title and text of the tooltip in one.
    pub(crate) async fn tooltip(&self) -> String {
        let (_, _, title, text): (String, Vec<Pixmap>, String, String) = self.property("ToolTip").await.unwrap();
        format!("{title} {text}").trim().to_owned()
    }

    /// What tells one picture from another: the icon's name and a digest of its pixels.
    pub(crate) async fn picture(&self) -> String {
        let name: String = self.property("IconName").await.unwrap_or_default();
        let pixmaps: Vec<Pixmap> = self.property("IconPixmap").await.unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        pixmaps.hash(&mut hasher);
        format!("{name} {} pictures {:x}", pixmaps.len(), hasher.finish())
    }

    async fn menu_path(&self) -> String {
        self.property::<OwnedObjectPath>("Menu").await.unwrap().to_string()
    }

    async fn property<T>(&self, name: &str) -> Option<T>
    where
        T: TryFrom<OwnedValue>,
    {
        let interface = "org.freedesktop.DBus.Properties";
        let reply = self.call(&self.item.path, interface, "Get", &(ITEM, name)).await.ok()?;
        let value: OwnedValue = reply.body().deserialize().ok()?;
        T::try_from(value).ok()
    }

    async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + DynamicType,
    {
        let service = Some(self.item.service.as_str());
        self.connection.call_method(service, path, Some(interface), method, body).await
    }
}

fn entries(children: Vec<OwnedValue>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for child in children {
        let structure = Structure::try_from(child).unwrap();
        let (id, properties, children) = Layout::try_from(structure).unwrap();
        let text = |name: &str| {
            let value = properties.get(name)?.try_clone().ok()?;
            String::try_from(value).ok()
        };
        let flag = |name: &str| properties.get(name).is_none_or(|value| bool::try_from(value).unwrap());
        if text("type").as_deref() == Some("separator") || !flag("visible") {
            continue;
        }
        entries.push(Entry {
            id,
            label: without_mnemonic(&text("label").unwrap_or_default()),
            is_enabled: flag("enabled"),
            children: self::entries(children),
        });
    }
    entries
}

/// One underscore marks a mnemonic, two stand for one.
fn without_mnemonic(label: &str) -> String {
    label.replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_")
}

fn collect(entries: &[Entry], above: &str, visit: &mut dyn FnMut(&str, &Entry)) {
    for entry in entries {
        let path = if above.is_empty() { entry.label.clone() } else { format!("{above} > {}", entry.label) };
        visit(&path, entry);
        collect(&entry.children, &path, visit);
    }
}
