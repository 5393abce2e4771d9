//! How much a test that depends on chance does, and what it says about it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `usual`, or `soak` when `EVERTOKEN_SOAK` is set.
pub(crate) fn effort(usual: usize, soak: usize) -> usize {
    if std::env::var_os("EVERTOKEN_SOAK").is_some() { soak } else { usual }
}

/// Says something that whoever reads the tests' output should know.
#[expect(clippy::print_stdout, reason = "shown when the test fails, or with --nocapture")]
pub(crate) fn note(text: &str) {
    println!("{text}");
}

/// 64 random bits: each hasher of the standard library has keys of its own.
pub(crate) fn random_bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A random share, from 0 up to 1.
pub(crate) fn random_share() -> f64 {
    (random_bits() >> 11) as f64 / (1_u64 << 53) as f64
}
