//! sd_notify(3): ready, reloading, ending, and one line on how the accounts are.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use evertoken_core::api::status::StatusReport;
use sd_notify::{NotifyState, notify};
use tokio::sync::watch;
use tracing::warn;

/// Longest wait for a keychain before the service counts as started: it answers a question within 5 s or not, and there
/// are three for each account. `TimeoutStartSec=` is 90 s unless the unit says otherwise.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// So much may wait to be said.
const LONGEST_QUEUE: usize = 64;
/// A service manager that listens hears of the end within this.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// What there is to say.
enum News {
    Ready,
    ReadyAnd(String),
    Status(String),
    Reloading,
    /// Closed when it is said.
    Ending(SyncSender<()>),
}

/// Says that the agent is ready, once it knows what the keychain holds, and from then on how the accounts are. Wakes up
/// for changes alone.
pub(crate) fn follow(mut reports: watch::Receiver<Arc<StatusReport>>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    tokio::spawn(async move {
        let opened = reports.wait_for(|report| report.is_opened());
        // Too late for a service manager that waits is worse than not knowing yet.
        let _ = tokio::time::timeout(READY_WITHIN, opened).await;
        let mut line = reports.borrow_and_update().summary();
        tell(News::ReadyAnd(line.clone()));
        while reports.changed().await.is_ok() {
            let now = reports.borrow_and_update().summary();
            if now != line {
                tell(News::Status(now.clone()));
                line = now;
            }
        }
    });
}

/// The configuration is being read again.
pub(crate) fn reloading() {
    tell(News::Reloading);
}

/// It was.
pub(crate) fn reloaded() {
    tell(News::Ready);
}

/// The agent ends, in order.
pub(crate) fn ending() {
    let (saying, said) = sync_channel(0);
    tell(News::Ending(saying));
    let _ = said.recv_timeout(HEARD_WITHIN);
}

/// A thread tells it, one thing after the other: a service manager that does not listen is no reason to wait. What comes
/// when too much waits is dropped.
fn tell(news: News) {
    static THREAD: LazyLock<SyncSender<News>> = LazyLock::new(|| {
        let (sender, queue) = sync_channel(LONGEST_QUEUE);
        std::thread::spawn(move || queue.into_iter().for_each(say));
        sender
    });
    if std::env::var_os("NOTIFY_SOCKET").is_some() && THREAD.try_send(news).is_err() {
        warn!("the service manager does not listen");
    }
}

fn say(news: News) {
    let said = match news {
        News::Ready => notify(&[NotifyState::Ready]),
        News::ReadyAnd(line) => notify(&[NotifyState::Ready, NotifyState::Status(&line)]),
        News::Status(line) => notify(&[NotifyState::Status(&line)]),
        News::Reloading => NotifyState::monotonic_usec_now().and_then(|now| notify(&[NotifyState::Reloading, now])),
        News::Ending(_said) => notify(&[NotifyState::Stopping, NotifyState::Status("ending")]),
    };
    if let Err(error) = said {
        warn!("the service manager was not told: {error}");
    }
}
