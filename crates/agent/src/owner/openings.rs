//! Accounts are opened a few at a time: each asks the keychain and reads a journal.

use std::collections::VecDeque;

use evertoken_core::account::AccountId;

const AT_ONCE: usize = 16;

/// The accounts that are being opened, and those that wait for their turn.
#[derive(Default)]
pub(super) struct Openings {
    waiting: VecDeque<AccountId>,
    running: usize,
}

impl Openings {
    pub(super) fn add(&mut self, id: AccountId) {
        self.waiting.push_back(id);
    }

    /// The next one, when there is room.
    pub(super) fn start_next(&mut self) -> Option<AccountId> {
        let next = if self.running < AT_ONCE { self.waiting.pop_front() } else { None };
        self.running += usize::from(next.is_some());
        next
    }

    pub(super) fn are_over(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    pub(super) fn ended(&mut self) {
        self.running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_begins_when_one_has_ended() {
        let mut openings = Openings::default();
        (0..20).for_each(|bits| openings.add(AccountId::random(bits)));
        let begun: Vec<_> = std::iter::from_fn(|| openings.start_next()).collect();
        assert!(begun.len() == AT_ONCE && !openings.are_over());
        openings.ended();
        assert_eq!(openings.start_next(), Some(AccountId::random(16)));
        assert_eq!(openings.start_next(), None);
        (0..19).for_each(|_| {
            openings.ended();
            let _ = openings.start_next();
        });
        assert!(openings.are_over());
    }
}
