//! The numbers behind refreshing, each with its reason.

use jiff::SignedDuration;

use crate::config::RefreshTime;

/// A sample of uniform randomness in `0.0..1.0`: an argument, so that every decision can be repeated in a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// The middle: for tests and for what must not be random.
    pub const HALF: Self = Self(0.5);

    /// From 64 random bits.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        /// 53 bits fill the mantissa of an `f64` exactly.
        const STEPS: f64 = (1_u64 << 53) as f64;
        Self((bits >> 11) as f64 / STEPS)
    }
}

/// When to refresh and how long to wait after a failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Share of the access token's life after which it is refreshed. Three quarters: a 24 h token leaves six
    /// hours for retries, and rotations, each a small risk, stay rare.
    pub refresh_after: f64,
    /// The refresh point moves by up to this share of the life, so that many agents do not ask at once.
    pub jitter: f64,
    /// The first wait after a failure; it doubles with each further one.
    pub shortest_backoff: SignedDuration,
    /// The longest wait after failures. 15 min: an outage that ends is noticed within the quarter of an hour.
    pub longest_backoff: SignedDuration,
    /// The shortest wait after an answer that is no verdict (a captive portal, a proxy's page): it seldom passes
    /// within seconds.
    pub shortest_odd_backoff: SignedDuration,
    /// The longest `Retry-After` that is honoured.
    pub longest_retry_after: SignedDuration,
    /// Two grants, and two attempts that a person asks for, lie at least this far apart, or a quarter of the
    /// token's life if that is less: a server that hands out expired tokens must not cause a loop.
    pub spacing: SignedDuration,
    /// After this many answers that got lost, the same refresh token is presented at the longest back-off only:
    /// a server that keeps a family's spent tokens may take more for theft (RFC 9700 section 4.14.2).
    pub lost_answers_before_patience: u32,
    /// How long an agent that starts late in a token's life waits before it refreshes, or a quarter of what is
    /// left if that is less: a restart sends nothing, and the network may not be up yet.
    pub patience_at_start: SignedDuration,
    /// How long before the end of the access token a failing refresh is worth a notification, or a quarter of
    /// its life if that is less.
    pub warn_before_end: SignedDuration,
    /// How long before a login's end a person is told, or a tenth of its life if that is less.
    pub warn_before_login_ends: SignedDuration,
    /// How long refreshing has to fail before it is worth a notification, or an eighth of the token's life if
    /// that is less: a machine that wakes up or changes networks fails for a while.
    pub warn_after_failing: SignedDuration,
    /// After how many refusals in a row of what only a person can correct, such as the client secret, the person is asked
    /// for it and the endpoint left in peace: some two hours.
    pub most_refusals: u32,
    /// What `evertoken token` asks for when nobody says otherwise, or a quarter of the life if that is less.
    pub usual_min_valid: SignedDuration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh_after: 0.75,
            jitter: 0.05,
            shortest_backoff: SignedDuration::from_secs(5),
            longest_backoff: SignedDuration::from_mins(15),
            shortest_odd_backoff: SignedDuration::from_mins(1),
            longest_retry_after: SignedDuration::from_hours(1),
            spacing: SignedDuration::from_secs(30),
            lost_answers_before_patience: 2,
            patience_at_start: SignedDuration::from_mins(1),
            warn_before_end: SignedDuration::from_mins(30),
            warn_before_login_ends: SignedDuration::from_hours(24),
            warn_after_failing: SignedDuration::from_mins(10),
            most_refusals: 12,
            usual_min_valid: SignedDuration::from_mins(1),
        }
    }
}

impl Policy {
    /// The policy of a person who wants tokens to be refreshed at another time than is usual.
    #[must_use]
    pub fn with(refresh: RefreshTime) -> Self {
        let refresh_after = match refresh {
            RefreshTime::Early => 0.5,
            RefreshTime::Usual => Self::default().refresh_after,
            RefreshTime::Late => 0.9,
        };
        Self { refresh_after, ..Self::default() }
    }
}

/// A wait of less than this would be a loop.
const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(1);

impl Policy {
    /// How long after its request an access token of this lifetime is refreshed.
    #[must_use]
    pub fn refresh_delay(&self, lifetime: SignedDuration, chance: Jitter) -> SignedDuration {
        let share = self.refresh_after + self.jitter * (2.0 * chance.0 - 1.0);
        lifetime.mul_f64(share)
    }

    /// Exponential back-off with full jitter for the n-th failure in a row, counted from 1.
    #[must_use]
    pub fn backoff(&self, failures: u32, chance: Jitter) -> SignedDuration {
        self.jittered(self.shortest_backoff, failures, chance)
    }

    /// The same for answers that are no verdict: at least a minute.
    #[must_use]
    pub fn odd_backoff(&self, failures: u32, chance: Jitter) -> SignedDuration {
        self.jittered(self.shortest_odd_backoff, failures, chance).max(self.shortest_odd_backoff)
    }

    fn jittered(&self, first: SignedDuration, failures: u32, chance: Jitter) -> SignedDuration {
        let doublings = failures.saturating_sub(1).min(16);
        let ceiling = first.saturating_mul(1 << doublings).min(self.longest_backoff);
        ceiling.mul_f64(chance.0).max(SHORTEST_WAIT)
    }

    /// A server's `Retry-After`, within reason.
    #[must_use]
    pub fn retry_after(&self, asked: SignedDuration) -> SignedDuration {
        asked.clamp(SHORTEST_WAIT, self.longest_retry_after)
    }

    /// The least distance between two grants of tokens of this lifetime.
    #[must_use]
    pub fn grant_spacing(&self, lifetime: SignedDuration) -> SignedDuration {
        // A token that had expired when it came says nothing about how often the server wants to be asked.
        if lifetime.is_positive() { self.spacing.min(lifetime / 4).max(SHORTEST_WAIT) } else { self.spacing }
    }

    /// What can be asked for at any time of an access token of this lifetime: within the spacing it is not followed by another.
    pub(super) fn attainable(&self, lifetime: SignedDuration) -> SignedDuration {
        lifetime - self.grant_spacing(lifetime)
    }

    /// The wait of an agent that starts when the refresh is already due.
    #[must_use]
    pub fn start_delay(&self, remaining: SignedDuration) -> SignedDuration {
        self.patience_at_start.min(remaining / 4)
    }

    /// How long before its end a failing refresh of a token of this lifetime is worth a notification.
    #[must_use]
    pub fn warning_lead(&self, lifetime: SignedDuration) -> SignedDuration {
        self.warn_before_end.min(lifetime / 4)
    }

    /// How long before its end a login of this lifetime is worth a notification.
    #[must_use]
    pub fn login_warning_lead(&self, lifetime: SignedDuration) -> SignedDuration {
        self.warn_before_login_ends.min(lifetime / 10)
    }

    /// How long refreshing has to fail before it is worth a notification.
    #[must_use]
    pub fn warning_patience(&self, lifetime: SignedDuration) -> SignedDuration {
        if lifetime.is_positive() { self.warn_after_failing.min(lifetime / 8) } else { self.warn_after_failing }
    }

    /// How long a token has to last when the caller does not say.
    #[must_use]
    pub fn min_valid(&self, asked: Option<SignedDuration>, lifetime: SignedDuration) -> SignedDuration {
        asked.unwrap_or_else(|| self.usual_min_valid.min(lifetime / 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn a_day_token_is_refreshed_with_about_six_hours_to_spare() {
        let policy = Policy::default();
        for bits in [0, u64::MAX / 2, u64::MAX] {
            let delay = policy.refresh_delay(DAY, Jitter::from_bits(bits));
            assert!((16 * 3600..=20 * 3600).contains(&delay.as_secs()), "{delay}");
        }
    }

    #[test]
    fn a_person_chooses_when_tokens_are_refreshed_and_chance_moves_it_by_a_twentieth() {
        for (refresh, percent) in [(RefreshTime::Early, 50), (RefreshTime::Usual, 75), (RefreshTime::Late, 90)] {
            let policy = Policy::with(refresh);
            for (bits, moved) in [(0, -5), (1 << 63, 0), (u64::MAX, 5)] {
                let expected = SignedDuration::from_secs(DAY.as_secs() * (percent + moved) / 100);
                let delay = policy.refresh_delay(DAY, Jitter::from_bits(bits));
                assert!((delay - expected).abs() < SignedDuration::from_secs(1), "{refresh:?} {bits}: {delay}");
            }
            assert_eq!(Policy { refresh_after: 0.75, ..policy }, Policy::default(), "nothing else changes");
        }
    }

    #[test]
    fn what_is_usual_for_a_day_token_shrinks_with_the_life_of_a_short_one() {
        let policy = Policy::default();
        let seconds = |read: &dyn Fn(SignedDuration) -> SignedDuration| {
            [DAY, SignedDuration::from_secs(80), SignedDuration::ZERO].map(|life| read(life).as_secs())
        };
        assert_eq!(seconds(&|life| policy.start_delay(life)), [60, 20, 0]);
        assert_eq!(seconds(&|life| policy.warning_lead(life)), [1800, 20, 0]);
        assert_eq!(seconds(&|life| policy.login_warning_lead(life)), [8640, 8, 0]);
        assert_eq!(seconds(&|life| policy.warning_patience(life)), [600, 10, 600]);
        assert_eq!(seconds(&|life| policy.min_valid(None, life)), [60, 20, 0]);
        assert_eq!(policy.min_valid(Some(DAY), SignedDuration::ZERO), DAY, "who asks gets no less");
    }

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour_and_never_vanish() {
        let policy = Policy::default();
        let most = Jitter::from_bits(u64::MAX);
        assert_eq!(policy.backoff(1, most).as_secs(), 5);
        assert_eq!(policy.backoff(40, most).as_secs(), 900);
        assert_eq!(policy.backoff(40, Jitter::from_bits(0)).as_secs(), 1);
        assert_eq!(policy.odd_backoff(1, Jitter::from_bits(0)).as_secs(), 60);
    }

    #[test]
    fn tokens_that_live_no_time_do_not_cause_a_loop() {
        assert_eq!(Policy::default().grant_spacing(SignedDuration::ZERO).as_secs(), 30);
        assert_eq!(Policy::default().grant_spacing(SignedDuration::from_secs(1)).as_secs(), 1);
        assert_eq!(Policy::default().grant_spacing(DAY).as_secs(), 30);
    }
}
