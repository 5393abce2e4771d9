//! What is known of an access token without the token itself.

use jiff::{SignedDuration, Timestamp};

/// An access token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTokenInfo {
    /// When its request was sent: its life counts from here, so that it ends for us before it ends for the server.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it may do.
    pub scope: Vec<String>,
    /// Whose it is.
    pub user_id: Option<String>,
}

impl AccessTokenInfo {
    /// How long it was made to live.
    #[must_use]
    pub fn lifetime(&self) -> SignedDuration {
        self.expires_at.duration_since(self.issued_at)
    }

    /// How long it still lasts. A token from the future proves that the clock was set back while nobody looked:
    /// nothing is known about its end, so it lasts no more.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> SignedDuration {
        /// Clocks are slewed by fractions of a second, and entries are written to the millisecond.
        const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
        if self.issued_at.duration_since(now) > TOLERANCE {
            return SignedDuration::ZERO;
        }
        self.expires_at.duration_since(now).clamp(SignedDuration::ZERO, self.lifetime().max(SignedDuration::ZERO))
    }

    /// The same token by a clock that was set. A clock that jumps forward may have stood still while the machine was paused:
    /// the end of a token never moves to later.
    pub(crate) fn shifted(&self, by: SignedDuration) -> Self {
        let by = by.min(SignedDuration::ZERO);
        Self { issued_at: shifted(self.issued_at, by), expires_at: shifted(self.expires_at, by), ..self.clone() }
    }
}

/// The instant, moved; stays within what a timestamp can say.
pub(crate) fn shifted(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lasts_until_its_end_and_one_from_the_future_no_more() {
        let issued_at = Timestamp::constant(1_000, 0);
        let expires_at = Timestamp::constant(1_600, 0);
        let token = AccessTokenInfo { issued_at, expires_at, scope: vec![], user_id: None };
        for (now, left) in [(1_000, 600), (1_599, 1), (1_600, 0), (9_999, 0), (995, 600), (994, 0), (1, 0)] {
            assert_eq!(token.remaining(Timestamp::constant(now, 0)).as_secs(), left, "{now}");
        }
        assert_eq!(token.remaining(Timestamp::constant(994, 999_999_999)), SignedDuration::ZERO);
    }
}
