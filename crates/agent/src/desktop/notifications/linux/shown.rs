//! A notification that the daemon has taken.
//!
//! Daemons differ in whom they tell of a click. Some broadcast it; GNOME tells only the connection that sent the
//! notification, replaces and closes only at that connection's request, and takes a program's notifications away when
//! one of its connections goes. So notify-rust's own connection is kept, and listened on, for each.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use evertoken_core::present::notification::Notification;
use notify_rust::{Hint, NotificationHandle, NotificationResponse, Urgency};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::super::{End, described};

/// Longest wait for the daemon.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// As many connections of notifications that are gone are kept at most.
const MOST_RETIRED: usize = 8;

/// The daemon's id of a notification, and how it ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) id: u32,
    pub(super) end: End,
}

/// A notification on the screen.
#[derive(Debug)]
pub(super) struct Shown {
    handle: Arc<NotificationHandle>,
    listening: AbortHandle,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum NotShown {
    #[error("the notification daemon does not answer")]
    TimedOut,
    #[error(transparent)]
    Refused(#[from] notify_rust::error::Error),
}

impl Shown {
    /// Shows it, in place of the one before if the daemon lets us. How it ends is sent to `ended`.
    pub(super) async fn show(
        notification: &Notification,
        before: Option<&Self>,
        ended: &mpsc::UnboundedSender<Ended>,
    ) -> Result<Self, NotShown> {
        let handle = match before {
            None => notify(notification, None).await?,
            Some(before) => match notify(notification, Some(before.id())).await {
                Ok(handle) => handle,
                Err(NotShown::TimedOut) => return Err(NotShown::TimedOut),
                Err(NotShown::Refused(_)) => {
                    before.close().await;
                    notify(notification, None).await?
                }
            },
        };
        let handle = Arc::new(handle);
        let listening = tokio::spawn(listen(Arc::clone(&handle), ended.clone())).abort_handle();
        Ok(Self { handle, listening })
    }

    /// The daemon's id.
    pub(super) fn id(&self) -> u32 {
        self.handle.id()
    }

    /// Takes it off the screen.
    pub(super) async fn close(&self) {
        self.listening.abort();
        if tokio::time::timeout(LONGEST_CALL, self.handle.close_async()).await.is_err() {
            tracing::debug!("the notification daemon does not answer");
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn notify(notification: &Notification, replaced: Option<u32>) -> Result<NotificationHandle, NotShown> {
    let mut described = described(notification);
    described
        .hint(Hint::DesktopEntry("evertoken".to_owned()))
        .hint(Hint::Category("network".to_owned()))
        .hint(Hint::Urgency(Urgency::Normal));
    if let Some(id) = replaced {
        described.id(id);
    }
    match tokio::time::timeout(LONGEST_CALL, described.show_async()).await {
        Ok(outcome) => Ok(outcome?),
        Err(_elapsed) => Err(NotShown::TimedOut),
    }
}

/// Ends with the notification, or when it is aborted: a daemon that dies says nothing.
async fn listen(handle: Arc<NotificationHandle>, ended: mpsc::UnboundedSender<Ended>) {
    let id = handle.id();
    let respond = move |response: &NotificationResponse| {
        let _ending = ended.send(Ended { id, end: End::of_response(response) });
    };
    handle.wait_for_action_async(respond).await;
}

/// The connections of notifications that are gone, kept for as long as another one is shown.
#[derive(Debug, Default)]
pub(super) struct Retired(VecDeque<Shown>);

impl Retired {
    pub(super) fn keep(&mut self, shown: Shown) {
        shown.listening.abort();
        if self.0.len() == MOST_RETIRED {
            self.0.pop_front();
        }
        self.0.push_back(shown);
    }

    pub(super) fn drop_all(&mut self) {
        self.0.clear();
    }
}
