//! Notifications on macOS and Windows, which keep them in their own centre. Written from notify-rust's documentation,
//! not yet run.

use std::path::PathBuf;

use evertoken_core::present::notification::{Abilities, Notification};
use notify_rust::NotificationResponse;
use tokio::sync::mpsc;

use super::{Command, End, ITSELF, NotifierEvent, actions};

pub(super) async fn run(
    mut commands: mpsc::UnboundedReceiver<Command>,
    sender: mpsc::UnboundedSender<NotifierEvent>,
    _left_behind: PathBuf,
) {
    #[cfg(windows)]
    super::windows::register();
    while let Some(command) = commands.recv().await {
        match command {
            Command::Show(notification) => {
                let sender = sender.clone();
                // Waiting for the response blocks, as long as the notification is there.
                std::thread::spawn(move || {
                    let handle = match described(&notification).show() {
                        Ok(handle) => handle,
                        Err(error) => return tracing::warn!(%error, "a notification could not be shown"),
                    };
                    let (account, kind) = (notification.account.clone(), notification.kind);
                    let _ending = sender.send(NotifierEvent::Shown { account, kind });
                    if notification.kind.is_transient() {
                        return;
                    }
                    let respond = move |response: &NotificationResponse| {
                        let _ending = sender.send(of_response(response).event(notification));
                    };
                    if let Err(error) = handle.wait_for_response(respond) {
                        tracing::debug!(%error, "a notification's end is unknown");
                    }
                });
            }
            // notify-rust can neither change one there nor take it away.
            Command::Update(_) | Command::Withdraw(_) => {}
        }
    }
}

fn of_response(response: &NotificationResponse) -> End {
    match response {
        NotificationResponse::Default => End::of_action(ITSELF),
        NotificationResponse::Action(action) => End::of_action(action),
        NotificationResponse::Reply(_) => End::Clicked,
        NotificationResponse::Closed(_) => End::Dismissed,
    }
}

fn described(notification: &Notification) -> notify_rust::Notification {
    let mut described = notify_rust::Notification::new();
    let text = notification.text(Abilities { actions: true, markup: false });
    #[cfg(windows)]
    described.app_id(super::windows::APP_ID);
    described.appname("Evertoken").summary(&notification.title).body(&text).timeout(notify_rust::Timeout::Never);
    for (name, label) in actions(&notification.buttons) {
        described.action(name, label);
    }
    described
}
