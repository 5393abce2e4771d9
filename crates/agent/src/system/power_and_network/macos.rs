//! macOS tells of sleep only in the run loop of its own frameworks. Two clocks tell it too, 30 s later at most.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::SystemSignal;
use super::slept::Slept;
use crate::system::clock::SteadyClock;

/// As often as the wall clock is looked at.
const SLICE: Duration = Duration::from_secs(30);

pub(super) async fn watch(sender: mpsc::UnboundedSender<SystemSignal>) {
    let (steady, begin) = (SteadyClock::new(), Instant::now());
    // `Instant` stands still in sleep.
    let awake = || SignedDuration::try_from(begin.elapsed()).unwrap_or(SignedDuration::MAX);
    let mut slept = Slept::new(steady.elapsed(), awake());
    loop {
        tokio::time::sleep(SLICE).await;
        if let Some(length) = slept.compare(steady.elapsed(), awake()) {
            let since = Timestamp::now().checked_sub(length).ok();
            if sender.send(SystemSignal::Resumed { since }).is_err() {
                return;
            }
        }
    }
}
