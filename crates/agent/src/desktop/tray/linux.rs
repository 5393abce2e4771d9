//! StatusNotifierItem and its menu over D-Bus, by ksni: left click and tooltip without GTK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evertoken_core::present::tray::{Action, Icon, MenuItem, Tray as Content};
use futures_util::{FutureExt, StreamExt};
use ksni::TrayMethods;
use ksni::menu::{StandardItem, SubMenu};
use tokio::sync::{Notify, mpsc};
use zbus::zvariant::OwnedValue;
use zbus::{Connection, MessageStream};

use super::Provider;
use super::picture::{pictures, symbolic_name};
use crate::system::power_and_network::bus;

/// The name of the panel that icons register with.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// First pause after a tray icon that could not be registered.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// Nobody sees a picture that stands for less.
const LOOKED_AT_FOR: Duration = Duration::from_millis(50);
/// Longest wait for a panel to take the icon.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// The tray icon. It is there whenever a panel is, and goes when this is dropped.
#[derive(Debug)]
pub struct Tray {
    changed: Arc<Notify>,
    is_symbolic: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Tray {
    /// Shows the icon as soon as there is a session bus and a panel on it, and from then on sends what a person asks
    /// for in it. Call it inside the runtime.
    #[must_use]
    pub fn start(provider: Provider, sender: mpsc::UnboundedSender<Action>) -> Self {
        let changed = Arc::new(Notify::new());
        let is_symbolic = Arc::new(AtomicBool::new(false));
        let item = Item::maker(provider, sender, Arc::clone(&is_symbolic));
        let task = tokio::spawn(run(item, Arc::clone(&changed)));
        Self { changed, is_symbolic, task }
    }

    /// Something that the tray shows may have changed.
    pub fn refresh(&self) {
        self.changed.notify_one();
    }

    /// Names an icon that the panel gives its own colour, or shows the coloured pictures again.
    pub fn show_symbolic(&self, is_symbolic: bool) {
        if self.is_symbolic.swap(is_symbolic, Ordering::Relaxed) != is_symbolic {
            self.refresh();
        }
    }

    /// The same, for who has to do it later.
    pub(crate) fn refresher(&self) -> impl Fn() + Send + 'static {
        let changed = Arc::clone(&self.changed);
        move || changed.notify_one()
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does a panel show tray icons? Where nobody can be asked, yes.
pub(crate) async fn is_there() -> bool {
    match bus::session_now().await {
        Ok(session_bus) => bus::has_owner(&session_bus, WATCHER).await.unwrap_or(true),
        Err(_) => true,
    }
}

async fn run(item: impl Fn() -> Item, changed: Arc<Notify>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let session_bus = bus::session().await;
        match register(&session_bus, &item).await {
            Ok(Some((registered, mut panels))) => {
                pause = FIRST_PAUSE;
                loop {
                    tokio::select! {
                        () = changed.notified() => {
                            registered.0.update(Item::recompute).await;
                            // Thousands of accounts change it thousands of times while they are opened.
                            tokio::time::sleep(LOOKED_AT_FOR).await;
                        }
                        panel = panels.next() => {
                            let Some(panel) = panel else { break };
                            let is_new = panel.is_ok_and(|message| bus::has_new_owner(&message));
                            if is_new && !is_listed(&session_bus).await {
                                break;
                            }
                        }
                        // ksni does not notice, and waits for ever on a bus that has gone.
                        () = session_bus.closed() => break,
                    }
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, ?pause, "no tray");
                tokio::select! {
                    () = session_bus.closed() => {}
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
                }
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum NotRegistered {
    #[error("the panel does not answer")]
    TimedOut,
    #[error(transparent)]
    Refused(#[from] ksni::Error),
    #[error(transparent)]
    Bus(#[from] zbus::Error),
}

/// Registers the icon with the panel, as soon as there is one; from then on ksni registers it with every panel that
/// comes later. `None` when the panel or the bus was replaced in between, which ksni may have missed.
async fn register(
    session_bus: &Connection,
    item: impl FnOnce() -> Item,
) -> Result<Option<(Registered, MessageStream)>, NotRegistered> {
    let mut panels = bus::owner_changes(session_bus, WATCHER).await?;
    while !bus::has_owner(session_bus, WATCHER).await? {
        if panels.next().await.is_none() {
            return Ok(None);
        }
    }
    while panels.next().now_or_never().flatten().is_some() {}
    let spawned = tokio::time::timeout(LONGEST_CALL, item().assume_sni_available(true).spawn()).await;
    let registered = Registered(spawned.map_err(|_elapsed| NotRegistered::TimedOut)??);
    bus::has_owner(session_bus, WATCHER).await?;
    let was_replaced = panels.next().now_or_never().is_some();
    Ok((!was_replaced).then_some((registered, panels)))
}

/// Has ksni registered the icon with a panel that has just come? It asks once, also when the panel is not ready yet.
async fn is_listed(session_bus: &Connection) -> bool {
    /// A panel that is ready lists an icon within milliseconds.
    const READY_WITHIN: Duration = Duration::from_millis(500);
    tokio::time::sleep(READY_WITHIN).await;
    let ours = format!("StatusNotifierItem-{}-", std::process::id());
    let items = session_bus.call_method(
        Some(WATCHER),
        "/StatusNotifierWatcher",
        Some("org.freedesktop.DBus.Properties"),
        "Get",
        &(WATCHER, "RegisteredStatusNotifierItems"),
    );
    let listed = items.await.ok().and_then(|answer| answer.body().deserialize::<OwnedValue>().ok());
    let names = listed.and_then(|value| Vec::<String>::try_from(value).ok()).unwrap_or_default();
    names.iter().any(|name| name.contains(&ours))
}

/// ksni's own task outlives its handles.
struct Registered(ksni::Handle<Item>);

impl Drop for Registered {
    fn drop(&mut self) {
        drop(self.0.shutdown());
    }
}

/// What ksni asks for.
struct Item {
    provider: Provider,
    sender: mpsc::UnboundedSender<Action>,
    is_symbolic: Arc<AtomicBool>,
    content: Content,
    pixmaps: Vec<ksni::Icon>,
}

impl Item {
    fn maker(
        provider: Provider,
        sender: mpsc::UnboundedSender<Action>,
        is_symbolic: Arc<AtomicBool>,
    ) -> impl Fn() -> Self {
        move || {
            let content = provider();
            let pixmaps = pixmaps(content.icon);
            let (provider, sender, is_symbolic) = (Arc::clone(&provider), sender.clone(), Arc::clone(&is_symbolic));
            Self { provider, sender, is_symbolic, content, pixmaps }
        }
    }

    fn recompute(&mut self) {
        let content = (self.provider)();
        if content.icon != self.content.icon {
            self.pixmaps = pixmaps(content.icon);
        }
        self.content = content;
    }

    fn send(&self, action: Action) {
        // Who ends the agent does not receive any more.
        let _ending = self.sender.send(action);
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "evertoken".to_owned()
    }

    fn title(&self) -> String {
        "Evertoken".to_owned()
    }

    fn status(&self) -> ksni::Status {
        if self.content.icon.needs_attention() { ksni::Status::NeedsAttention } else { ksni::Status::Active }
    }

    /// A panel whose icon theme does not have it draws the pixmap.
    fn icon_name(&self) -> String {
        if self.is_symbolic.load(Ordering::Relaxed) { symbolic_name(self.content.icon) } else { String::new() }
    }

    fn attention_icon_name(&self) -> String {
        if self.content.icon.needs_attention() { self.icon_name() } else { String::new() }
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        self.pixmaps.clone()
    }

    fn attention_icon_pixmap(&self) -> Vec<ksni::Icon> {
        // Panels that draw this one while attention is needed would otherwise draw nothing.
        if self.content.icon.needs_attention() { self.pixmaps.clone() } else { Vec::new() }
    }

    fn tool_tip(&self) -> ksni::ToolTip {
        ksni::ToolTip {
            title: self.content.headline.clone(),
            description: as_markup(&self.content.tooltip),
            icon_name: String::new(),
            icon_pixmap: Vec::new(),
        }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        self.send(Action::OpenWindow);
    }

    /// A middle click.
    fn secondary_activate(&mut self, _x: i32, _y: i32) {
        self.send(Action::CopyDefault);
    }

    /// The time left in the menu is right when it opens, without a timer that keeps it right in between.
    fn menu_about_to_show(&mut self) {
        self.recompute();
    }

    fn menu(&self) -> Vec<ksni::MenuItem<Self>> {
        self.content.menu.iter().map(menu_item).collect()
    }
}

fn menu_item(item: &MenuItem) -> ksni::MenuItem<Item> {
    match item {
        MenuItem::Line(text) => StandardItem { label: escaped(text), enabled: false, ..StandardItem::default() }.into(),
        MenuItem::Item { label, enabled, action } => {
            let action = action.clone();
            StandardItem {
                label: escaped(label),
                enabled: *enabled,
                activate: Box::new(move |item: &mut Item| item.send(action.clone())),
                ..StandardItem::default()
            }
            .into()
        }
        MenuItem::Submenu { label, items } => {
            let submenu = items.iter().map(menu_item).collect();
            SubMenu { label: escaped(label), submenu, ..SubMenu::default() }.into()
        }
        MenuItem::Separator => ksni::MenuItem::Separator,
    }
}

/// A single underscore in a menu marks the letter after it as a shortcut; account names may contain them.
fn escaped(label: &str) -> String {
    label.replace('_', "__")
}

/// The tooltip's text, and only that, is read as markup (StatusNotifierItem, "Markup").
fn as_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn pixmaps(icon: Icon) -> Vec<ksni::Icon> {
    let pixmap = |picture: super::picture::Picture| {
        let mut data = picture.rgba;
        // The bus wants alpha first.
        data.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel.rotate_right(1));
        ksni::Icon { width: picture.width.cast_signed(), height: picture.height.cast_signed(), data }
    };
    pictures(icon).into_iter().map(pixmap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_underscore_in_an_account_name_is_shown_and_is_no_shortcut() {
        assert_eq!(escaped("team_eu · valid"), "team__eu · valid");
    }

    #[test]
    fn what_a_server_says_is_no_markup_in_the_tooltip() {
        assert_eq!(as_markup("a · <b>R&D</b>"), "a · &lt;b&gt;R&amp;D&lt;/b&gt;");
    }

    #[test]
    fn pixels_are_in_the_order_of_the_bus() {
        let rgba = super::super::picture::pictures(Icon::Valid).swap_remove(0).rgba;
        let argb = pixmaps(Icon::Valid).swap_remove(0).data;
        assert_eq!(rgba.len(), argb.len());
        let middle = rgba.len() / 2;
        let [r, g, b, a] = [rgba[middle], rgba[middle + 1], rgba[middle + 2], rgba[middle + 3]];
        assert_eq!(argb[middle..middle + 4], [a, r, g, b]);
    }
}
