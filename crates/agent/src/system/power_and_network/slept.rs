//! How long the machine slept, from two clocks: one counts on in sleep, the other stands still.

use jiff::SignedDuration;

/// Less than this is only that the two are not read at the same moment.
const SHORTEST: SignedDuration = SignedDuration::from_secs(2);

/// How far the first clock was ahead of the other when they were last compared.
#[derive(Debug)]
pub(super) struct Slept(SignedDuration);

impl Slept {
    pub(super) fn new(counting_on: SignedDuration, standing_still: SignedDuration) -> Self {
        Self(counting_on - standing_still)
    }

    /// The sleep since the clocks were last compared.
    pub(super) fn compare(
        &mut self,
        counting_on: SignedDuration,
        standing_still: SignedDuration,
    ) -> Option<SignedDuration> {
        let ahead = counting_on - standing_still;
        let slept = ahead - self.0;
        self.0 = ahead;
        (slept >= SHORTEST).then_some(slept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_once_and_the_clocks_may_begin_anywhere() {
        let seconds = SignedDuration::from_secs;
        let mut slept = Slept::new(seconds(5_000), seconds(0));
        assert_eq!(slept.compare(seconds(5_030), seconds(30)), None);
        assert_eq!(slept.compare(seconds(8_660), seconds(60)), Some(seconds(3_600)));
        assert_eq!(slept.compare(seconds(8_691), seconds(90)), None, "a second is no sleep");
    }
}
