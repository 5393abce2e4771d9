//! The lines that a full journal passes on to its next file.

use super::{Entry, Record, summarize};

/// How many lines about refused tokens and unknown outcomes are passed on at most: more would fill the next file.
const MOST: usize = 100;

/// The lines without which a journal would say something else of the login, oldest first.
#[must_use]
pub fn carried(entries: &[Entry]) -> Vec<Entry> {
    let summary = summarize(entries);
    let newest = |is_meant: fn(&Record) -> bool| entries.iter().rposition(|entry| is_meant(&entry.record));
    let settled = newest(|record| matches!(record, Record::Stored { .. } | Record::LoggedOut));
    let logged_in = newest(|record| matches!(record, Record::LoggedIn { .. })).filter(|_| summary.logged_in.is_some());
    let (mut unresolved, mut asked_to_wait) = (summary.unresolved, summary.asked_to_wait);

    let open = entries.iter().skip(settled.map_or(0, |settled| settled + 1));
    let open = open.rev().filter(|entry| match &entry.record {
        Record::Presented { fingerprint } => {
            let counted = unresolved.iter_mut().find(|token| token.fingerprint == *fingerprint && token.times > 0);
            counted.map(|token| token.times -= 1).is_some()
        }
        Record::Declined { .. } => asked_to_wait.take().is_some(),
        Record::Refused { .. } | Record::Told { .. } => true,
        Record::Stored { .. }
        | Record::NotSent { .. }
        | Record::OutcomeUnknown { .. }
        | Record::StoreDelayed { .. }
        | Record::LoggedIn { .. }
        | Record::LoggedOut
        | Record::Revoked { .. }
        | Record::Slept { .. } => false,
    });
    let mut carried: Vec<Entry> = open.take(MOST).cloned().collect();
    let mut of_the_login = [settled, logged_in];
    of_the_login.sort_unstable();
    carried.extend(of_the_login.into_iter().rev().flatten().filter_map(|at| entries.get(at)).cloned());
    carried.reverse();
    carried
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::login::journal::Summary;
    use crate::oauth::token::Fingerprint;

    /// One line for each second.
    fn journal(records: impl IntoIterator<Item = Record>) -> Vec<Entry> {
        (0..).zip(records).map(|(second, record)| Entry { at: Timestamp::constant(second, 0), record }).collect()
    }

    /// The order of its tokens does not matter.
    fn summary(entries: &[Entry]) -> Summary {
        let mut summary = summarize(entries);
        summary.unresolved.sort_unstable_by_key(|unresolved| unresolved.fingerprint);
        summary
    }

    fn record() -> impl Strategy<Value = Record> {
        (0..11_u8, 0..3_u8, any::<bool>()).prop_map(|(kind, token, also)| {
            let fingerprint = Fingerprint::of(&token.to_string());
            let (reason, boot) = (String::new(), also.to_string());
            match kind {
                0 => Record::Stored { fingerprint, rotations: 1, expires_at: Timestamp::MAX },
                1 => Record::LoggedIn { fingerprint },
                2 if also => Record::LoggedOut,
                2 | 3 => Record::NotSent { fingerprint, reason },
                4 => Record::OutcomeUnknown { fingerprint, reason },
                5 => Record::Declined { fingerprint, reason, retry_after: also.then_some(60) },
                6 => Record::Refused { fingerprint, expired_at: None, trace_id: None, reason: None },
                7 => Record::Told { fingerprint, boot },
                8 => Record::Slept { since: Timestamp::MIN },
                _ => Record::Presented { fingerprint },
            }
        })
    }

    proptest! {
        #[test]
        fn a_full_journal_goes_on_with_all_that_it_said_of_the_login(
            before in prop::collection::vec(record(), 0..60), after in prop::collection::vec(record(), 0..20),
        ) {
            let whole = journal(before);
            let full = carried(&whole);
            prop_assert_eq!(summary(&full), summary(&whole));
            prop_assert_eq!(carried(&full), full.clone());
            let goes_on = |first: Vec<Entry>| summary(&[first, journal(after.clone())].concat());
            prop_assert_eq!(goes_on(full), goes_on(whole));
        }
    }

    #[test]
    fn a_long_outage_does_not_fill_the_next_file() {
        let fingerprint = Fingerprint::of("a");
        let presented = (0..10_000).map(|_| Record::Presented { fingerprint });
        let stored = Record::Stored { fingerprint, rotations: 1, expires_at: Timestamp::MAX };
        let entries = journal([stored].into_iter().chain(presented));
        assert_eq!(carried(&entries).len(), MOST + 1);
    }
}
