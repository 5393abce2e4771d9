//! What kind of life an account leads.

use super::clock::DAY;
use super::random::Random;
use super::server::Terms;

/// What kind of life the account leads.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) terms: Terms,
    pub(crate) agents: usize,
    /// Parts per million.
    pub(crate) drift: i64,
    /// Milliseconds of a day of trouble: 24 h, less for tokens that live less.
    pub(crate) pace: i64,
    pub(crate) duration: i64,
    pub(crate) troubled: bool,
    /// People act often.
    pub(crate) restless: bool,
}

impl Setting {
    pub(crate) fn random(random: &mut Random, longest: i64) -> Self {
        let terms = Terms::random(random);
        let pace = ((DAY as f64) * (terms.lifetime as f64 / DAY as f64).sqrt()) as i64;
        Self {
            duration: longest.min(terms.lifetime * 60),
            pace,
            agents: if random.one_in(5) { 2 } else { 1 },
            drift: random.between(-60, 61),
            troubled: true,
            restless: random.one_in(8),
            terms,
        }
    }
}
