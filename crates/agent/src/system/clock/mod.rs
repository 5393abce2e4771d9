//! Waiting for an instant of the wall clock, and noticing when somebody sets that clock.

use jiff::{SignedDuration, Timestamp};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod steady;

#[cfg(not(target_os = "linux"))]
use elsewhere as platform;
#[cfg(target_os = "linux")]
use linux as platform;

pub use platform::WallClockTimer;
pub(in crate::system) use steady::SteadyClock;

/// Why [`WallClockTimer::until`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The deadline has come.
    Elapsed,
    /// The wall clock does not go on from where it was: it was set, or the machine was suspended. What
    /// [`Clock::jump`] says tells the two apart.
    ClockSet,
}

/// Smaller steps are corrections that no deadline of ours has to know about.
const SMALLEST_JUMP: SignedDuration = SignedDuration::from_millis(500);

/// The wall clock, watched for being set.
#[derive(Debug)]
pub struct Clock {
    steady: SteadyClock,
    /// Wall clock minus steady clock, at the last jump.
    offset: SignedDuration,
}

impl Clock {
    /// Starts watching now.
    #[must_use]
    pub fn new() -> Self {
        let steady = SteadyClock::new();
        Self { offset: offset(&steady), steady }
    }

    /// The wall clock, UTC.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// How far the wall clock was set since the last jump that was reported, forwards being positive. Suspended
    /// time is no jump.
    pub fn jump(&mut self) -> Option<SignedDuration> {
        let offset = offset(&self.steady);
        let jump = offset - self.offset;
        (jump.abs() >= SMALLEST_JUMP).then(|| {
            self.offset = offset;
            jump
        })
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn offset(steady: &SteadyClock) -> SignedDuration {
    Timestamp::now().as_duration() - steady.elapsed()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::time::Duration;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_deadline_that_has_passed_is_due_at_once() {
        runtime().block_on(async {
            let mut timer = WallClockTimer::new().unwrap();
            let past = Timestamp::now() - SignedDuration::from_hours(1);
            assert_eq!(timer.until(Some(past)).await, Wake::Elapsed);
            assert_eq!(timer.until(Some(Timestamp::UNIX_EPOCH)).await, Wake::Elapsed);
            assert_eq!(timer.until(Some(Timestamp::MIN)).await, Wake::Elapsed);
        });
    }

    #[test]
    fn a_deadline_is_not_early_and_not_late() {
        runtime().block_on(async {
            let mut timer = WallClockTimer::new().unwrap();
            let deadline = Timestamp::now() + SignedDuration::from_millis(30);
            assert_eq!(timer.until(Some(deadline)).await, Wake::Elapsed);
            let late = Timestamp::now().duration_since(deadline);
            assert!(!late.is_negative() && late < SignedDuration::from_secs(5), "{late}");
        });
    }

    #[test]
    fn no_deadline_waits_and_a_wait_that_was_given_up_leaves_nothing_behind() {
        runtime().block_on(async {
            let mut timer = WallClockTimer::new().unwrap();
            let soon = Duration::from_millis(20);
            assert!(tokio::time::timeout(soon, timer.until(None)).await.is_err());
            assert!(tokio::time::timeout(soon, timer.until(Some(Timestamp::MAX))).await.is_err());
            assert_eq!(timer.until(Some(Timestamp::UNIX_EPOCH)).await, Wake::Elapsed);
            assert!(tokio::time::timeout(soon, timer.until(None)).await.is_err());
        });
    }

    #[test]
    fn a_clock_that_nobody_sets_does_not_jump_and_one_that_was_set_jumps_once() {
        let mut clock = Clock::new();
        assert_eq!(clock.jump(), None);
        clock.offset -= SignedDuration::from_hours(2);
        let jump = clock.jump().unwrap();
        assert!((jump - SignedDuration::from_hours(2)).abs() < SMALLEST_JUMP, "{jump}");
        assert_eq!(clock.jump(), None);
    }
}
