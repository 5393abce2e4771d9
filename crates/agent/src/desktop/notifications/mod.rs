//! Notifications with a button: one for each account and kind, shown for as long as it is true.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

use std::path::PathBuf;

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Program;
use evertoken_core::login::notice::NoticeKind;
use evertoken_core::present::notification::{Buttons, Notification};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

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
    /// The person waved it away.
    Dismissed {
        /// Whose.
        account: AccountName,
        /// Which.
        kind: NoticeKind,
    },
    /// It is gone, and nobody has to have seen it.
    Gone {
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
    /// Its text follows the time, if it is shown.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only a notification daemon can change one"))]
    Update(Notification),
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only a notification daemon takes one back"))]
    Withdraw(Key),
}

/// One notification is shown for each.
type Key = (AccountName, NoticeKind);

impl Notifier {
    /// Starts; what becomes of the notifications is sent to `sender`. Call it inside the runtime. What is shown goes
    /// with the last clone, and the task ends then; what an agent before this one left there is known from `left_behind`, a file of the session.
    #[must_use]
    pub fn start(sender: mpsc::UnboundedSender<NotifierEvent>, left_behind: PathBuf) -> (Self, JoinHandle<()>) {
        let (commands, received) = mpsc::unbounded_channel();
        let task = tokio::spawn(platform::run(received, sender, left_behind));
        (Self(commands), task)
    }

    /// Shows the notification, in place of the one of its account and kind. When nothing can show it now, it is shown
    /// as soon as something can, unless it was withdrawn meanwhile.
    pub fn show(&self, notification: Notification) {
        let _ending = self.0.send(Command::Show(notification));
    }

    /// Puts the notification quietly in the place of the one of its account and kind; where there is none any more,
    /// none is shown.
    pub fn update(&self, notification: Notification) {
        let _ending = self.0.send(Command::Update(notification));
    }

    /// Takes the account's notification of this kind away; that there is none is fine.
    pub fn withdraw(&self, account: &AccountName, kind: NoticeKind) {
        let _ending = self.0.send(Command::Withdraw((account.clone(), kind)));
    }
}

/// How a person, or the desktop, ended a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its one button, or the notification itself.
    Clicked,
    Allowed,
    Denied,
    /// Waved away.
    Dismissed,
    /// Without a person.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only a notification daemon tells"))]
    Gone,
}

/// The names of the actions on the wire.
const ITSELF: &str = "default";
const BUTTON: &str = "button";
const ALLOW: &str = "allow";
const DENY: &str = "deny";

/// Name and label of what a person can choose. The notification itself has no label: some daemons would draw it as a
/// second button.
fn actions(buttons: &Buttons) -> Vec<(&'static str, &'static str)> {
    match buttons {
        Buttons::None => Vec::new(),
        Buttons::One(label) => vec![(ITSELF, ""), (BUTTON, label)],
        Buttons::AllowOrDeny(_) => vec![(ALLOW, "Allow"), (DENY, "Deny")],
    }
}

impl End {
    #[cfg(target_os = "linux")]
    const fn was_chosen(self) -> bool {
        matches!(self, Self::Clicked | Self::Allowed | Self::Denied)
    }

    fn of_action(action: &str) -> Self {
        match action {
            ALLOW => Self::Allowed,
            DENY => Self::Denied,
            // Some daemons send the action of the notification itself although it has none.
            _ => Self::Clicked,
        }
    }

    fn event(self, notification: Notification) -> NotifierEvent {
        let Notification { account, kind, buttons, .. } = notification;
        match (self, buttons) {
            (Self::Allowed, Buttons::AllowOrDeny(program)) => NotifierEvent::Decided { account, program, allow: true },
            (Self::Denied, Buttons::AllowOrDeny(program)) => NotifierEvent::Decided { account, program, allow: false },
            // A click beside the buttons decides nothing.
            (Self::Dismissed, _) | (Self::Clicked, Buttons::AllowOrDeny(_)) => {
                NotifierEvent::Dismissed { account, kind }
            }
            (Self::Clicked | Self::Allowed | Self::Denied, Buttons::One(_) | Buttons::None) => {
                NotifierEvent::Clicked { account, kind }
            }
            (Self::Gone, _) => NotifierEvent::Gone { account, kind },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn only_allow_allows_a_program() {
        for (action, allow) in
            [(ALLOW, Some(true)), (DENY, Some(false)), (BUTTON, None), (ITSELF, None), ("", None), ("x", None)]
        {
            let question = Notification {
                account: "default".parse().unwrap(),
                kind: NoticeKind::ApprovalRequired,
                title: String::new(),
                body: String::new(),
                buttons: Buttons::AllowOrDeny(Program::new("/usr/bin/curl")),
                command: String::new(),
            };
            let event = End::of_action(action).event(question);
            let decided = if let NotifierEvent::Decided { allow, .. } = event { Some(allow) } else { None };
            assert_eq!(decided, allow, "{action}");
        }
    }
}
