//! A clock that counts on while the machine sleeps, and that nobody can set.

#[cfg(windows)]
use std::time::Instant;

use jiff::SignedDuration;
#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};

/// On Windows, `Instant` counts on in sleep.
#[derive(Debug)]
pub(in crate::system) struct SteadyClock {
    #[cfg(windows)]
    begin: Instant,
}

impl SteadyClock {
    pub(in crate::system) fn new() -> Self {
        Self {
            #[cfg(windows)]
            begin: Instant::now(),
        }
    }

    /// Since a moment that stays the same.
    #[cfg(windows)]
    pub(in crate::system) fn elapsed(&self) -> SignedDuration {
        SignedDuration::try_from(self.begin.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// Since a moment that stays the same.
    #[cfg(unix)]
    #[expect(clippy::unused_self, reason = "on Windows it has a beginning of its own")]
    pub(in crate::system) fn elapsed(&self) -> SignedDuration {
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        // Counts on in sleep on macOS, as `Instant` does not.
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        let now = clock_gettime(clock);
        SignedDuration::from_secs(now.tv_sec) + SignedDuration::from_nanos(now.tv_nsec)
    }
}
