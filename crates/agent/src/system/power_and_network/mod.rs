//! What the system says that makes another attempt worthwhile: the machine woke up, the network is back.

#[cfg(target_os = "linux")]
pub(crate) mod bus;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(any(test, target_os = "macos"))]
mod slept;
#[cfg(windows)]
mod windows;

use jiff::Timestamp;
use tokio::sync::mpsc;

/// Something that happened to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemSignal {
    /// It woke up from suspension.
    Resumed {
        /// When it went to sleep, by the clock as it is now, UTC; `None` when nobody said so.
        since: Option<Timestamp>,
    },
    /// It has a network again, or a better one.
    NetworkReturned,
}

/// Sends every signal for as long as somebody receives them. Returns when nobody does any more; where the system has no
/// such signals, it never sends one.
pub async fn watch(sender: mpsc::UnboundedSender<SystemSignal>) {
    #[cfg(target_os = "linux")]
    linux::watch(sender).await;
    #[cfg(not(target_os = "linux"))]
    elsewhere::watch(sender).await;
}
