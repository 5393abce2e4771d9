//! Notifications on macOS and Windows, which keep them in their own centre. Written from notify-rust's documentation,
//! not yet run.

use notify_rust::NotificationResponse;
use tokio::sync::mpsc;

use super::{Command, End, NotifierEvent, described};

pub(super) async fn run(mut commands: mpsc::UnboundedReceiver<Command>, sender: mpsc::UnboundedSender<NotifierEvent>) {
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
                    let respond = move |response: &NotificationResponse| {
                        let _ending = sender.send(End::of_response(response).event(notification));
                    };
                    if let Err(error) = handle.wait_for_response(respond) {
                        tracing::debug!(%error, "a notification's end is unknown");
                    }
                });
            }
            // notify-rust cannot take one away there.
            Command::Withdraw(_key) => {}
        }
    }
}
