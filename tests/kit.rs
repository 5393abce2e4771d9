//! The desktop itself, proved with programs that are not ours: when one of these fails, do not look at the product.

use std::collections::HashMap;

use futures_util::StreamExt;
use zbus::interface;
use zbus::zvariant::{OwnedValue, Value};

use crate::desktop::{
    Clipboard, Desktop, Display, Dunst, Keyring, Notifications, Outcome, Panel, Process, System, Tray, Watcher,
    eventually, procfs,
};

async fn store(desktop: &Desktop, secret: &str) -> Outcome {
    let mut command = desktop.environment.command("secret-tool");
    command.args(["store", "--label=probe", "service", "evertoken-dev"]);
    Outcome::of(command, secret.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_keeps_its_entries_over_a_crash_and_a_lock() {
    let desktop = Desktop::without_screen().await;
    let keyring = Keyring::start(&desktop).await;
    store(&desktop, "kept").await.succeeded();

    keyring.kill();
    let keyring = Keyring::start(&desktop).await;
    assert!(Keyring::entries(&desktop).await.contains("secret = kept"));

    keyring.lock().await;
    keyring.unlock().await;
    assert!(Keyring::entries(&desktop).await.contains("secret = kept"));

    keyring.kill();
    let keyring = Keyring::start_locked(&desktop).await;
    keyring.unlock().await;
    assert!(Keyring::entries(&desktop).await.contains("secret = kept"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_starts_a_keyring_by_itself() {
    let desktop = Desktop::without_screen().await;
    assert_ne!(store(&desktop, "lost").await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_remembered_clicked_and_withdrawn() {
    let desktop = Desktop::without_screen().await;
    let notifications = Notifications::arrive(&desktop.bus).await;
    let client = desktop.bus.another_connection().await;
    let proxy = zbus::Proxy::new(
        &client,
        "org.freedesktop.Notifications",
        "/org/freedesktop/Notifications",
        "org.freedesktop.Notifications",
    )
    .await
    .unwrap();
    let mut clicks = proxy.receive_signal("ActionInvoked").await.unwrap();
    let hints = HashMap::from([("resident", Value::from(true))]);
    let message = |replaces: u32| ("probe", replaces, "", "Title", "Body", vec!["key", "Label"], hints.clone(), -1_i32);
    let id: u32 = proxy.call("Notify", &message(0)).await.unwrap();
    let again: u32 = proxy.call("Notify", &message(id)).await.unwrap();
    assert_eq!(id, again);

    let shown = notifications.shown("Title").await;
    assert_eq!((shown.shown, notifications.all().len()), (2, 1));
    assert_eq!(shown.body, "Body");
    notifications.click(&desktop.bus, &shown, "Label").await;
    let click = clicks.next().await.unwrap();
    let (clicked, key): (u32, String) = click.body().deserialize().unwrap();
    assert_eq!((clicked, key.as_str()), (id, "key"));
    assert_eq!(notifications.open().len(), 1, "a resident one stays when clicked");

    proxy.call::<_, _, ()>("CloseNotification", &(id,)).await.unwrap();
    notifications.gone().await;
    notifications.leave().await;
    assert!(!desktop.bus.has_owner("org.freedesktop.Notifications").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clipboard_is_read_and_taken_by_another_program() {
    let desktop = Desktop::with_screen().await;
    let clipboard = Clipboard::of(&desktop);
    assert_eq!(clipboard.text().await, "");
    let _owner = clipboard.take("something").await;
    assert_eq!(clipboard.text().await, "something");
    assert!(clipboard.targets().await.contains(&"UTF8_STRING".to_owned()));
    assert_eq!(clipboard.content("UTF8_STRING").await, "something");
    let _other = clipboard.take("else").await;
    assert_eq!(clipboard.text().await, "else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promised_screen_can_come_later() {
    let (desktop, name) = Desktop::with_promised_screen().await;
    assert_eq!(Clipboard::of(&desktop).text().await, "");
    let display = Display::start_as(&desktop.environment, &name).await;
    assert_eq!(display.name(), name);
    let _owner = Clipboard::of(&desktop).take("now").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_left_over_program_dies_with_its_desktop() {
    let desktop = Desktop::without_screen().await;
    let mut command = desktop.environment.command("sh");
    command.args(["-c", "setsid sleep 1000 & echo started; wait"]);
    let (mut shell, ()) = Process::spawn_until_line(&mut command, |line| (line == "started").then_some(()));
    shell.kill();
    let sleeper = eventually("the sleeper runs", async || {
        let mut left = desktop.environment.processes().into_iter();
        left.find(|&pid| procfs::command_line(pid) == "sleep 1000")
    })
    .await;
    assert!(procfs::is_running(sleeper));
    assert!(procfs::proportional_set_size(sleeper) > 0);
    assert!(procfs::context_switches(sleeper) > 0);
    drop(desktop);
    eventually("it is gone", async || (!procfs::is_running(sleeper)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_machine_tells_who_listens() {
    let mut desktop = Desktop::without_screen().await;
    let system = System::start(&mut desktop).await;
    let listener = system.another_connection().await;
    let logind = zbus::Proxy::new(
        &listener,
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
    );
    let sleeps = logind.await.unwrap().receive_signal("PrepareForSleep").await.unwrap();
    let network = zbus::Proxy::new(
        &listener,
        "org.freedesktop.NetworkManager",
        "/org/freedesktop/NetworkManager",
        "org.freedesktop.NetworkManager",
    );
    let states = network.await.unwrap().receive_signal("StateChanged").await.unwrap();

    system.suspend_and_resume().await;
    system.lose_and_find_network().await;

    let sleeps: Vec<_> = sleeps.take(2).map(|said| said.body().deserialize::<bool>()).collect().await;
    let states: Vec<_> = states.take(2).map(|said| said.body().deserialize::<u32>()).collect().await;
    assert_eq!((sleeps, states), (vec![Ok(true), Ok(false)], vec![Ok(20), Ok(70)]));
}

type Pixmap = (i32, i32, Vec<u8>);

/// A tray icon made by hand: one line, one submenu, a tooltip.
struct Icon;

#[interface(name = "org.kde.StatusNotifierItem")]
impl Icon {
    fn activate(&self, _x: i32, _y: i32) {}

    #[zbus(property)]
    fn menu(&self) -> zbus::zvariant::OwnedObjectPath {
        zbus::zvariant::OwnedObjectPath::try_from("/Menu").unwrap()
    }

    #[zbus(property)]
    fn id(&self) -> String {
        "probe".to_owned()
    }

    #[zbus(property)]
    fn category(&self) -> String {
        "ApplicationStatus".to_owned()
    }

    #[zbus(property)]
    fn status(&self) -> String {
        "Active".to_owned()
    }

    #[zbus(property)]
    fn title(&self) -> String {
        "Probe".to_owned()
    }

    #[zbus(property)]
    fn icon_name(&self) -> String {
        String::new()
    }

    #[zbus(property)]
    fn icon_pixmap(&self) -> Vec<Pixmap> {
        let pixel = [255, 220, 40, 60];
        vec![(22, 22, pixel.repeat(22 * 22))]
    }

    #[zbus(property)]
    fn tool_tip(&self) -> (String, Vec<Pixmap>, String, String) {
        (String::new(), Vec::new(), "Title".to_owned(), "text".to_owned())
    }
}

struct Menu {
    clicks: tokio::sync::watch::Sender<Vec<i32>>,
}

type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn node(id: i32, label: &str, is_enabled: bool, children: Vec<Value<'static>>) -> Value<'static> {
    let properties = HashMap::from([
        ("label".to_owned(), Value::from(label.to_owned())),
        ("enabled".to_owned(), Value::from(is_enabled)),
    ]);
    Value::from((id, properties, children))
}

#[interface(name = "com.canonical.dbusmenu")]
impl Menu {
    fn about_to_show(&self, _id: i32) -> bool {
        false
    }

    fn get_layout(&self, _parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Node) {
        let below = node(3, "In_ner", true, Vec::new());
        let lines = [node(1, "Status", false, Vec::new()), node(2, "_Outer", true, vec![below])];
        let lines = lines.map(|line| OwnedValue::try_from(line).unwrap());
        (1, (0, HashMap::new(), lines.to_vec()))
    }

    fn event(&self, id: i32, _kind: String, _data: OwnedValue, _time: u32) {
        self.clicks.send_modify(|clicks| clicks.push(id));
    }
}

async fn show_icon(desktop: &Desktop) -> (zbus::Connection, tokio::sync::watch::Receiver<Vec<i32>>) {
    let connection = desktop.bus.another_connection().await;
    let (sender, clicks) = tokio::sync::watch::channel(Vec::new());
    connection.object_server().at("/Menu", Menu { clicks: sender }).await.unwrap();
    connection.object_server().at("/StatusNotifierItem", Icon).await.unwrap();
    let watcher = "org.kde.StatusNotifierWatcher";
    let name = connection.unique_name().unwrap().to_string();
    connection
        .call_method(Some(watcher), "/StatusNotifierWatcher", Some(watcher), "RegisterStatusNotifierItem", &(name,))
        .await
        .unwrap();
    (connection, clicks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tray_icon_is_read_and_clicked() {
    let desktop = Desktop::without_screen().await;
    let watcher = Watcher::arrive(&desktop.bus).await;
    let (_icon, clicks) = show_icon(&desktop).await;
    let tray = Tray::appears(&desktop.bus, &watcher).await;
    assert_eq!(tray.labels().await, ["Status", "Outer", "Outer > Inner"]);
    assert!(!tray.menu().await[0].is_enabled);
    assert_eq!(tray.label("that is first", |label| label.starts_with('S')).await, "Status");
    tray.click("Outer > Inner").await;
    assert_eq!(*clicks.borrow(), [3]);
    tray.left_click().await;
    assert_eq!(tray.tooltip().await, "Title text");
    assert!(tray.picture().await.contains("1 pictures"));
    watcher.leave().await;
    assert!(!desktop.bus.has_owner("org.kde.StatusNotifierWatcher").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_draws_an_icon_and_its_tooltip() {
    let desktop = Desktop::with_screen().await;
    let mut panel = Panel::start(&desktop).await;
    let _icon = show_icon(&desktop).await;
    panel.picture(&desktop, "kit-panel").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dunst_draws_a_notification() {
    let desktop = Desktop::with_screen().await;
    let dunst = Dunst::start(&desktop).await;
    let client = desktop.bus.connection();
    let name = "org.freedesktop.Notifications";
    let message = ("probe", 0_u32, "", "Title", "Body", Vec::<&str>::new(), HashMap::<&str, Value<'_>>::new(), -1_i32);
    client.call_method(Some(name), "/org/freedesktop/Notifications", Some(name), "Notify", &message).await.unwrap();
    dunst.picture("kit-dunst").await;
}
