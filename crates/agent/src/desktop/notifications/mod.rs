//! Notifications with a button, by notify-rust: one for each account and kind, shown for as long as it is true.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Program;
use evertoken_core::login::notice::NoticeKind;
use evertoken_core::present::notification::{Buttons, Notification};
use notify_rust::NotificationResponse;
use tokio::sync::mpsc;

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotifierEvent {
    /// It is on the screen, or its new text is, or it is so again because the daemon is another one.
    Shown {
        /// Whose.
        account: AccountName,
        /// Which.
        kind: NoticeKind,
    },
    /// The person chose its button, or the notification itself, and it is gone.
    Clicked {
        /// Whose.
        account: AccountName,
        /// Which.
        kind: NoticeKind,
    },
    /// The person decided about a program, and it is gone.
    Decided {
        /// Whose tokens the program wants.
        account: AccountName,
        /// Which program.
        program: Program,
        /// May it have them?
        allow: bool,
    },
    /// It is gone without having been withdrawn or clicked.
    Dismissed {
        /// Whose.
        account: AccountName,
        /// Which.
        kind: NoticeKind,
    },
}

/// Shows and withdraws notifications. Clones speak for the same ones.
#[derive(Debug, Clone)]
pub struct Notifier(mpsc::UnboundedSender<Command>);

#[derive(Debug)]
enum Command {
    Show(Notification),
    Withdraw(Key),
}

/// One notification is shown for each.
type Key = (AccountName, NoticeKind);

impl Notifier {
    /// Starts; what becomes of the notifications is sent to `sender`. Call it inside the runtime. What is shown goes
    /// with the last clone.
    #[must_use]
    pub fn start(sender: mpsc::UnboundedSender<NotifierEvent>) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        tokio::spawn(platform::run(received, sender));
        Self(commands)
    }

    /// Shows the notification, in place of the one of its account and kind. When nothing can show it now, it is shown
    /// as soon as something can, unless it was withdrawn meanwhile.
    pub fn show(&self, notification: Notification) {
        let _ending = self.0.send(Command::Show(notification));
    }

    /// Takes the account's notification of this kind away; that there is none is fine.
    pub fn withdraw(&self, account: &AccountName, kind: NoticeKind) {
        let _ending = self.0.send(Command::Withdraw((account.clone(), kind)));
    }
}

/// How a person, or the desktop, ended a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its first button, or the notification itself.
    Clicked,
    /// Its second button.
    Denied,
    Dismissed,
}

/// The names of the actions on the wire.
const ITSELF: &str = "default";
const BUTTON: &str = "button";
const ALLOW: &str = "allow";
const DENY: &str = "deny";

impl End {
    fn of_action(action: &str) -> Self {
        if action == DENY { Self::Denied } else { Self::Clicked }
    }

    fn of_response(response: &NotificationResponse) -> Self {
        match response {
            NotificationResponse::Default => Self::of_action(ITSELF),
            NotificationResponse::Action(action) => Self::of_action(action),
            NotificationResponse::Reply(_) => Self::Clicked,
            NotificationResponse::Closed(_) => Self::Dismissed,
        }
    }

    fn event(self, notification: Notification) -> NotifierEvent {
        let Notification { account, kind, buttons, .. } = notification;
        match (self, buttons) {
            (Self::Clicked, Buttons::AllowOrDeny(program)) => NotifierEvent::Decided { account, program, allow: true },
            (Self::Denied, Buttons::AllowOrDeny(program)) => NotifierEvent::Decided { account, program, allow: false },
            (Self::Clicked | Self::Denied, Buttons::One(_)) => NotifierEvent::Clicked { account, kind },
            (Self::Dismissed, Buttons::One(_) | Buttons::AllowOrDeny(_)) => NotifierEvent::Dismissed { account, kind },
        }
    }
}

/// The notification in notify-rust's terms, without what only one system has.
fn described(notification: &Notification) -> notify_rust::Notification {
    let mut described = notify_rust::Notification::new();
    described
        .appname("Evertoken")
        .summary(notification.title)
        .body(&notification.body)
        .icon("evertoken")
        .timeout(notify_rust::Timeout::Never);
    match &notification.buttons {
        Buttons::One(label) => described.action(ITSELF, label).action(BUTTON, label),
        Buttons::AllowOrDeny(_) => described.action(ALLOW, "Allow").action(DENY, "Deny"),
    };
    described
}
