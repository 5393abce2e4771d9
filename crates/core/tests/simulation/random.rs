//! Randomness that can be repeated: SplitMix64.

use evertoken_core::login::policy::Jitter;

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end.max(1)
    }

    /// Milliseconds, evenly spread.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.below((high - low).max(1).unsigned_abs())).cast_signed()
    }

    /// Milliseconds from `low` to `high`, as many short ones as long ones.
    pub(crate) fn spread(&mut self, low: i64, high: i64) -> i64 {
        let (low, high) = ((low as f64).ln(), (high as f64).ln());
        (low + (high - low) * self.unit()).exp() as i64
    }

    /// Milliseconds until the next of events that come on average every `mean`.
    pub(crate) fn until_next(&mut self, mean: i64) -> i64 {
        ((mean as f64) * -(1.0 - self.unit()).ln()).max(1.0) as i64
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub(crate) fn chance(&mut self) -> Jitter {
        Jitter::from_bits(self.bits())
    }

    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
