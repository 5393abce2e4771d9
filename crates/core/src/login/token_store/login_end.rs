//! When a login ends, as far as its server says so.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The end of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginEnd {
    /// When, UTC.
    pub at: Timestamp,
    /// Since when the login has had this end, UTC.
    pub since: Timestamp,
    /// Does each refresh move it? Unknown until there were two to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves: Option<bool>,
}

impl LoginEnd {
    /// Ends come in whole seconds: two that lie closer together tell nothing.
    pub const COMPARABLE: SignedDuration = SignedDuration::from_secs(2);

    /// The end of a refresh token that is stored now, and of the one before it with the instant at which that was stored.
    #[must_use]
    pub fn new(at: Timestamp, now: Timestamp, before: Option<(Self, Timestamp)>) -> Self {
        let Some((before, stored_at)) = before else { return Self { at, since: now, moves: None } };
        let (elapsed, moved_by) = (now.duration_since(stored_at), at.duration_since(before.at));
        let moves = if elapsed < Self::COMPARABLE { before.moves } else { Some(moved_by > elapsed / 2) };
        Self { at, since: if moves == Some(true) { now } else { before.since }, moves }
    }

    /// Until when a person has to log in again, whatever is refreshed until then.
    #[must_use]
    pub fn log_in_before(&self) -> Option<Timestamp> {
        (self.moves != Some(true)).then_some(self.at)
    }

    /// How long it is from its beginning.
    #[must_use]
    pub fn lifetime(&self) -> SignedDuration {
        self.at.duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(1_800_000_000 + second, 0)
    }

    #[test]
    fn an_end_that_stays_counts_from_the_log_in_and_one_that_moves_from_the_refresh() {
        let first = LoginEnd::new(at(10 * HOUR), at(0), None);
        assert_eq!((first.log_in_before(), first.lifetime().as_hours()), (Some(at(10 * HOUR)), 10));
        let fixed = LoginEnd::new(at(10 * HOUR + 1), at(HOUR), Some((first, at(0))));
        assert_eq!((fixed.moves, fixed.since), (Some(false), at(0)));
        assert_eq!(fixed.log_in_before(), Some(at(10 * HOUR + 1)));
        let moved = LoginEnd::new(at(11 * HOUR), at(HOUR), Some((first, at(0))));
        assert_eq!((moved.moves, moved.since, moved.log_in_before()), (Some(true), at(HOUR), None));
        let last = LoginEnd::new(at(11 * HOUR), at(2 * HOUR), Some((moved, at(HOUR))));
        assert_eq!(last.log_in_before(), Some(at(11 * HOUR)), "no refresh moves it beyond the session's own end");
        let at_once = LoginEnd::new(at(10 * HOUR + 1), at(1), Some((first, at(0))));
        assert_eq!((at_once.moves, at_once.since), (None, at(0)));
    }
}
