//! When the machine slept, among what happened to a login.
//!
//! A machine sleeps more often than a login is refreshed, and no login depends on it. So the agent keeps these lines in
//! a file of their own: they fill no journal, push no line out of one, and wait for no account's lock.

use super::Entry;

/// An account's lines with the machine's among them, each in the order in which it was written. What the machine did
/// before the account's first line is not about the account.
#[must_use]
pub fn with_sleeps(entries: Vec<Entry>, sleeps: Vec<Entry>) -> Vec<Entry> {
    let Some(first) = entries.first().map(|entry| entry.at) else { return entries };
    let mut sleeps = sleeps.into_iter().filter(|sleep| sleep.at >= first).peekable();
    let mut all = Vec::with_capacity(entries.len());
    for entry in entries {
        while let Some(sleep) = sleeps.next_if(|sleep| sleep.at < entry.at) {
            all.push(sleep);
        }
        all.push(entry);
    }
    all.extend(sleeps);
    all
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::login::journal::{Record, Summary, summarize};
    use crate::oauth::token::Fingerprint;

    fn slept(until: i64) -> Entry {
        let since = Timestamp::constant(until - 1, 0);
        Entry { at: Timestamp::constant(until, 0), record: Record::Slept { since } }
    }

    fn presented(second: i64) -> Entry {
        Entry { at: Timestamp::constant(second, 0), record: Record::Presented { fingerprint: Fingerprint::of("a") } }
    }

    #[test]
    fn the_machines_sleep_stands_where_it_was_and_the_accounts_lines_keep_their_order() {
        // The clock was set back between the second line and the third.
        let entries = vec![presented(10), presented(30), presented(20)];
        let all = with_sleeps(entries, vec![slept(5), slept(15), slept(25), slept(40)]);
        assert_eq!(all, [presented(10), slept(15), slept(25), presented(30), presented(20), slept(40)]);
        let at_once = with_sleeps(vec![presented(10), presented(20)], vec![slept(10), slept(20)]);
        assert_eq!(
            at_once,
            [presented(10), slept(10), presented(20), slept(20)],
            "of two at once, the account's line comes first"
        );
    }

    #[test]
    fn an_account_to_which_nothing_happened_has_no_history_of_sleep() {
        assert_eq!(with_sleeps(Vec::new(), vec![slept(5)]), []);
    }

    #[test]
    fn sleep_says_nothing_about_a_login() {
        let entries = with_sleeps(vec![presented(1), presented(3)], vec![slept(2), slept(4)]);
        assert_eq!(summarize(&entries), summarize(&[presented(1), presented(3)]));
        assert_eq!(summarize(&[slept(2)]), Summary::default());
    }
}
