//! True time in milliseconds, and the machine's wall clock, which drifts and is set.

use jiff::Timestamp;

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// 2026-01-01T00:00:00Z, where true time starts.
const START: i64 = 1_767_225_600_000;

pub(crate) struct Clock {
    offset: i64,
    /// How much faster than true time it runs, parts per million.
    pub(crate) drift: i64,
}

impl Clock {
    pub(crate) fn new(drift: i64) -> Self {
        Self { offset: START, drift }
    }

    pub(crate) fn millisecond(&self, t: i64) -> i64 {
        t + self.offset + t * self.drift / 1_000_000
    }

    pub(crate) fn timestamp(&self, t: i64) -> Timestamp {
        timestamp(self.millisecond(t))
    }

    pub(crate) fn set(&mut self, by: i64) {
        self.offset += by;
    }

    /// The first true instant at which the clock shows `at` or more.
    pub(crate) fn reaches(&self, t: i64, at: Timestamp) -> i64 {
        // A deadline within a millisecond has not come before the whole millisecond is over.
        let target = at.as_nanosecond().div_euclid(1_000_000) as i64 + 1;
        let ahead = (target - self.millisecond(t)).max(0);
        t + ahead - ahead * self.drift / 1_000_000 + 1 + ahead.min(1) * (ahead / 1_000_000_000)
    }
}

pub(crate) fn timestamp(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}
