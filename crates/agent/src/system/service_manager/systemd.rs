//! sd_notify(3): ready, reloading, ending, and one line on how the accounts are.

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::api::status::StatusReport;
use sd_notify::{NotifyState, notify};
use tokio::sync::watch;
use tracing::warn;

/// Longest wait for a keychain before the service counts as started: it answers a question within 5 s or not, and there
/// are three for each account. `TimeoutStartSec=` is 90 s unless the unit says otherwise.
const READY_WITHIN: Duration = Duration::from_secs(20);

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
        tell(&[NotifyState::Ready, NotifyState::Status(&line)]);
        while reports.changed().await.is_ok() {
            let now = reports.borrow_and_update().summary();
            if now != line {
                tell(&[NotifyState::Status(&now)]);
                line = now;
            }
        }
    });
}

/// The configuration is being read again.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!("the service manager was not told of the reload: {error}"),
    }
}

/// It was.
pub(crate) fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// The agent ends, in order.
pub(crate) fn ending() {
    tell(&[NotifyState::Stopping, NotifyState::Status("ending")]);
}

fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = notify(news) {
        warn!("the service manager was not told: {error}");
    }
}
