//! When each account has something to do next.

use std::collections::{BTreeMap, BTreeSet};

use evertoken_core::account::AccountName;
use jiff::Timestamp;

/// One instant for each account that waits for one, the earliest first.
#[derive(Default)]
pub(super) struct Wakeups {
    in_order: BTreeSet<(Timestamp, AccountName)>,
    by_name: BTreeMap<AccountName, Timestamp>,
}

impl Wakeups {
    pub(super) fn set(&mut self, name: &AccountName, at: Option<Timestamp>) {
        if let Some(before) = self.by_name.remove(name) {
            self.in_order.remove(&(before, name.clone()));
        }
        if let Some(at) = at {
            self.by_name.insert(name.clone(), at);
            self.in_order.insert((at, name.clone()));
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// The accounts whose instant has come.
    pub(super) fn due(&self, now: Timestamp) -> Vec<AccountName> {
        self.in_order.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_the_last_word_counts() {
        let [a, b] = ["a", "b"].map(|name| name.parse::<AccountName>().unwrap());
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut wakeups = Wakeups::default();
        assert_eq!(wakeups.next(), None);
        wakeups.set(&a, Some(at(5)));
        wakeups.set(&b, Some(at(5)));
        assert_eq!(wakeups.due(at(5)), [a.clone(), b.clone()]);
        wakeups.set(&a, Some(at(9)));
        assert_eq!((wakeups.next(), wakeups.due(at(8))), (Some(at(5)), vec![b.clone()]));
        wakeups.set(&b, None);
        assert_eq!((wakeups.next(), wakeups.due(at(8))), (Some(at(9)), vec![]));
    }
}
