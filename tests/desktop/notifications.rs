//! A notification daemon in the test process that remembers what was shown and clicks on command.

use std::collections::HashMap;

use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedValue, Structure};
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
    /// What the daemon was told beside the text.
    pub(crate) hints: Hints,
    /// How often it asked for attention: 1, and one more for each replacement that is not silent.
    pub(crate) shown: u32,
    /// How often it was replaced, silently or not.
    pub(crate) replaced: u32,
    sender: String,
    resident: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hints {
    /// The name or the address of a picture.
    pub(crate) icon: String,
    /// Width and height of the picture that came along.
    pub(crate) image: Option<(i32, i32)>,
    /// 0 low, 1 normal, 2 critical.
    pub(crate) urgency: Option<u8>,
    pub(crate) is_transient: bool,
    pub(crate) is_silent: bool,
    pub(crate) timeout: i32,
}

impl Hints {
    fn of(icon: String, timeout: i32, hints: &HashMap<String, OwnedValue>) -> Self {
        let is_set = |name: &str| hints.get(name).is_some_and(|value| bool::try_from(value).unwrap_or(false));
        Self {
            icon,
            image: hints.get("image-data").and_then(|data| size(data.try_clone().unwrap())),
            urgency: hints.get("urgency").and_then(|value| u8::try_from(value).ok()),
            is_transient: is_set("transient"),
            is_silent: is_set("suppress-sound"),
            timeout,
        }
    }
}

/// The size of a picture `(iiibiiay)` whose bytes are as many as it says.
fn size(data: OwnedValue) -> Option<(i32, i32)> {
    type Image = (i32, i32, i32, bool, i32, i32, Vec<u8>);
    let (width, height, row, _, bits, channels, bytes) = Image::try_from(Structure::try_from(data).ok()?).ok()?;
    let is_whole = bits == 8 && row == width * channels && bytes.len() == usize::try_from(row * height).unwrap();
    is_whole.then_some((width, height))
}

/// What daemons differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    pub(crate) capabilities: &'static [&'static str],
    /// Does it leave a notification on the screen whose action was chosen, as dunst and mako do?
    pub(crate) keeps_chosen: bool,
}

impl Default for Nature {
    fn default() -> Self {
        Self { capabilities: &["actions", "body", "persistence"], keeps_chosen: false }
    }
}

/// The daemon. Comes when it is made; leaves with [`Notifications::leave`].
pub(crate) struct Notifications {
    connection: Connection,
    records: watch::Sender<Vec<Notification>>,
    nature: Nature,
}

impl Notifications {
    pub(crate) async fn arrive(bus: &Bus) -> Self {
        Self::arrive_as(bus, Nature::default()).await
    }

    pub(crate) async fn arrive_as(bus: &Bus, nature: Nature) -> Self {
        let (records, _) = watch::channel(Vec::new());
        let connection = bus.another_connection().await;
        let service = Service { records: records.clone(), nature };
        connection.object_server().at(PATH, service).await.unwrap();
        connection.request_name(NAME).await.unwrap();
        Self { connection, records, nature }
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

    /// Waits until one on the screen says this.
    pub(crate) async fn says(&self, text: &str) -> Notification {
        let is_it = |one: &Notification| one.is_open && one.body.contains(text);
        self.until(&format!("a notification that says “{text}”"), |all| all.iter().any(is_it)).await;
        self.all().into_iter().find(is_it).unwrap()
    }

    /// Waits until one with this title was replaced in its own place.
    pub(crate) async fn replaced(&self, summary: &str) -> Notification {
        let is_it = |one: &Notification| one.is_open && one.summary == summary && one.replaced > 0;
        self.until(&format!("“{summary}” in the place of another"), |all| all.iter().any(is_it)).await;
        self.all().into_iter().find(is_it).unwrap()
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
        if !notification.resident && !self.nature.keeps_chosen {
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
    nature: Nature,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(clippy::too_many_arguments, reason = "the specification's signature")]
    fn notify(
        &self,
        _app_name: String,
        replaces_id: u32,
        app_icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
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
            hints: Hints::of(app_icon, expire_timeout, &hints),
            shown: 1,
            replaced: 0,
            sender,
            resident: hints.get("resident").is_some_and(|value| bool::try_from(value).unwrap_or(false)),
        };
        self.records.send_modify(|all| {
            if shown.id == 0 {
                shown.id = u32::try_from(all.len()).unwrap() + 1;
            }
            match all.iter_mut().find(|one| one.id == shown.id) {
                Some(known) => {
                    shown.shown = known.shown + u32::from(!shown.hints.is_silent);
                    shown.replaced = known.replaced + 1;
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
        self.nature.capabilities.iter().copied().map(str::to_owned).collect()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        let [name, vendor, version, spec] = ["double", "tests", "1", "1.2"].map(str::to_owned);
        (name, vendor, version, spec)
    }

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}
