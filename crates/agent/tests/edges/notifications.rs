use std::sync::{Arc, Mutex};

use evertoken_agent::desktop::notifications::{Notifier, NotifierEvent};
use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Program;
use evertoken_core::login::notice::NoticeKind;
use evertoken_core::present::notification::{Buttons, Notification};
use tokio::sync::mpsc;
use zbus::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, fdo};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What a daemon was asked to do.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Notify { id: u32, replaced: u32, summary: String, body: String, actions: Vec<String> },
    Close(u32),
}

struct Service {
    asked: mpsc::UnboundedSender<Asked>,
    /// Who sent the notification with each id, from 1 on.
    senders: Arc<Mutex<Vec<String>>>,
    /// As GNOME has it: nobody else may replace or close it.
    is_strict: bool,
}

impl Service {
    fn check(&self, id: u32, header: &Header<'_>) -> fdo::Result<()> {
        let is_foreign = id != 0 && self.senders.lock().unwrap()[id as usize - 1] != header.sender().unwrap().as_str();
        if self.is_strict && is_foreign {
            Err(fdo::Error::InvalidArgs("Invalid notification ID".into()))
        } else {
            Ok(())
        }
    }
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[expect(clippy::too_many_arguments, reason = "the interface has them")]
    fn notify(
        &self,
        _application: &str,
        replaced: u32,
        _icon: &str,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: std::collections::HashMap<String, OwnedValue>,
        timeout: i32,
        #[zbus(header)] header: Header<'_>,
    ) -> fdo::Result<u32> {
        self.check(replaced, &header)?;
        assert_eq!(timeout, 0, "it stays until it is answered");
        assert_eq!(*hints["desktop-entry"], Value::from("evertoken"));
        let sender = header.sender().unwrap().to_string();
        let mut senders = self.senders.lock().unwrap();
        let id = if replaced == 0 {
            senders.push(sender);
            u32::try_from(senders.len()).unwrap()
        } else {
            senders[replaced as usize - 1] = sender;
            replaced
        };
        self.asked.send(Asked::Notify { id, replaced, summary, body, actions }).unwrap();
        Ok(id)
    }

    fn close_notification(&self, id: u32, #[zbus(header)] header: Header<'_>) -> fdo::Result<()> {
        self.check(id, &header)?;
        self.asked.send(Asked::Close(id)).unwrap();
        Ok(())
    }
}

struct Daemon {
    connection: Connection,
    asked: mpsc::UnboundedReceiver<Asked>,
    senders: Arc<Mutex<Vec<String>>>,
    is_strict: bool,
}

impl Daemon {
    async fn start(is_strict: bool) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        let senders = Arc::default();
        let service = Service { asked: sender, senders: Arc::clone(&senders), is_strict };
        let builder = Builder::session().unwrap().serve_at(PATH, service).unwrap().name(NAME).unwrap();
        Self { connection: builder.build().await.unwrap(), asked, senders, is_strict }
    }

    async fn signal<B: serde::Serialize + zbus::zvariant::DynamicType>(&self, id: u32, member: &str, body: &B) {
        let sender = self.senders.lock().unwrap()[id as usize - 1].clone();
        let to = self.is_strict.then_some(sender.as_str());
        self.connection.emit_signal(to, PATH, NAME, member, body).await.unwrap();
    }

    async fn click(&self, id: u32, action: &str) {
        self.signal(id, "ActionInvoked", &(id, action)).await;
        self.signal(id, "NotificationClosed", &(id, 2_u32)).await;
    }

    async fn dismiss(&self, id: u32) {
        self.signal(id, "NotificationClosed", &(id, 2_u32)).await;
    }

    /// Notify-rust listens after the daemon's answer: waits until it does.
    async fn is_listened_to(&self) {
        let sender = self.senders.lock().unwrap().last().unwrap().clone();
        crate::desk::listened_for_by(&self.connection, "NotificationClosed", Some(&sender)).await;
    }
}

fn notification(account: &str, kind: NoticeKind, body: &str) -> Notification {
    let account = account.parse().unwrap();
    Notification {
        account,
        kind,
        title: "Log in to Vault again",
        body: body.to_owned(),
        buttons: Buttons::One("Log in"),
    }
}

fn shown(account: &str, kind: NoticeKind) -> Option<NotifierEvent> {
    Some(NotifierEvent::Shown { account: account.parse().unwrap(), kind })
}

async fn answered_replaced_withdrawn(is_strict: bool) {
    let mut daemon = Daemon::start(is_strict).await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let notifier = Notifier::start(sender);
    let (login, renewal) = (NoticeKind::LoginRequired, NoticeKind::NotRenewed);

    notifier.show(notification("a", login, "first"));
    let Some(Asked::Notify { id, replaced: 0, summary, body, actions }) = daemon.asked.recv().await else { panic!() };
    assert_eq!((summary.as_str(), body.as_str()), ("Log in to Vault again", "first"));
    assert_eq!(actions, ["default", "Log in", "button", "Log in"]);
    assert_eq!(events.recv().await, shown("a", login));

    notifier.show(notification("a", login, "first"));
    notifier.show(notification("a", login, "second"));
    let id = if is_strict {
        assert_eq!(daemon.asked.recv().await, Some(Asked::Close(id)));
        let Some(Asked::Notify { id, replaced: 0, .. }) = daemon.asked.recv().await else { panic!() };
        id
    } else {
        let Some(Asked::Notify { id: same, replaced, body, .. }) = daemon.asked.recv().await else { panic!() };
        assert_eq!((same, replaced, body.as_str()), (id, id, "second"));
        id
    };
    assert_eq!(events.recv().await, shown("a", login));

    daemon.is_listened_to().await;
    daemon.click(id, "button").await;
    assert_eq!(events.recv().await, Some(NotifierEvent::Clicked { account: "a".parse().unwrap(), kind: login }));

    notifier.show(notification("a", login, "second"));
    notifier.show(notification("b", renewal, "third"));
    let Some(Asked::Notify { id, replaced: 0, .. }) = daemon.asked.recv().await else { panic!() };
    let Some(Asked::Notify { id: other, replaced: 0, .. }) = daemon.asked.recv().await else { panic!() };
    assert_eq!(events.recv().await, shown("a", login));
    assert_eq!(events.recv().await, shown("b", renewal));
    daemon.is_listened_to().await;
    daemon.dismiss(other).await;
    assert_eq!(events.recv().await, Some(NotifierEvent::Dismissed { account: "b".parse().unwrap(), kind: renewal }));
    notifier.withdraw(&"b".parse().unwrap(), renewal);
    notifier.withdraw(&"a".parse().unwrap(), login);
    assert_eq!(daemon.asked.recv().await, Some(Asked::Close(id)));
    notifier.withdraw(&"a".parse().unwrap(), login);

    notifier.show(notification("a", login, "fourth"));
    let Some(Asked::Notify { id, .. }) = daemon.asked.recv().await else { panic!() };
    drop(notifier);
    assert_eq!(daemon.asked.recv().await, Some(Asked::Close(id)));
    assert_eq!(events.recv().await, shown("a", login));
    assert_eq!(events.recv().await, None);
}

desk_test!(without display: a_click_opens_the_log_in_and_what_has_passed_is_gone, |desk| {
    let _bus = desk.session_bus();
    answered_replaced_withdrawn(false).await;
});

desk_test!(without display: a_program_is_allowed_or_denied_by_its_buttons_and_by_nothing_else, |desk| {
    let _bus = desk.session_bus();
    let mut daemon = Daemon::start(false).await;
    let (sender, mut events) = mpsc::unbounded_channel();
    let notifier = Notifier::start(sender);
    let (account, kind) = ("a".parse::<AccountName>().unwrap(), NoticeKind::ApprovalRequired);
    let program = Program::new("/usr/bin/curl");
    for (action, allow) in [("allow", true), ("deny", false)] {
        let buttons = Buttons::AllowOrDeny(program.clone());
        notifier.show(Notification { buttons, ..notification("a", kind, "asks") });
        let Some(Asked::Notify { id, actions, .. }) = daemon.asked.recv().await else { panic!() };
        assert_eq!(actions, ["allow", "Allow", "deny", "Deny"]);
        assert_eq!(events.recv().await, shown("a", kind));
        daemon.is_listened_to().await;
        daemon.click(id, action).await;
        let decided = NotifierEvent::Decided { account: account.clone(), program: program.clone(), allow };
        assert_eq!(events.recv().await, Some(decided));
    }
});

desk_test!(without display: a_click_arrives_from_a_daemon_that_tells_only_the_sender, |desk| {
    let _bus = desk.session_bus();
    answered_replaced_withdrawn(true).await;
});

desk_test!(without display: what_a_person_must_know_waits_for_a_daemon_and_outlives_it, |desk| {
    let (sender, mut events) = mpsc::unbounded_channel();
    let notifier = Notifier::start(sender);
    let kind = NoticeKind::LoginRequired;
    notifier.show(notification("gone", kind, "withdrawn before anybody saw it"));
    notifier.show(notification("a", kind, "first"));
    notifier.withdraw(&"gone".parse().unwrap(), kind);
    tokio::task::yield_now().await;
    let bus = desk.session_bus();
    crate::desk::listened_for(&Connection::session().await.unwrap(), NAME).await;
    notifier.show(notification("a", kind, "second"));

    let mut daemon = Daemon::start(false).await;
    let Some(Asked::Notify { body, .. }) = daemon.asked.recv().await else { panic!() };
    assert_eq!(body, "second");
    assert_eq!(events.recv().await, shown("a", kind));
    daemon.connection.close().await.unwrap();

    let mut daemon = Daemon::start(false).await;
    let Some(Asked::Notify { replaced: 0, body, .. }) = daemon.asked.recv().await else { panic!() };
    assert_eq!(body, "second");
    assert_eq!(events.recv().await, shown("a", kind));

    drop(bus);
    let _bus = desk.session_bus();
    let mut daemon = Daemon::start(false).await;
    let Some(Asked::Notify { id, .. }) = daemon.asked.recv().await else { panic!() };
    assert_eq!(events.recv().await, shown("a", kind));
    daemon.is_listened_to().await;
    daemon.click(id, "default").await;
    assert_eq!(events.recv().await, Some(NotifierEvent::Clicked { account: "a".parse().unwrap(), kind }));
});
