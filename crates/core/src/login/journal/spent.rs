//! Which refresh tokens were exchanged on the way to a login.

use std::collections::BTreeMap;

use super::{Entry, Record};
use crate::oauth::token::Fingerprint;

/// Was this refresh token exchanged for one from which the login that is here now came? A server that rotates its tokens
/// takes one that it sees again for a stolen one, and may end the login (RFC 9700 section 4.14.2).
#[must_use]
pub fn is_spent(entries: &[Entry], token: Fingerprint) -> bool {
    let (mut presented, mut login, mut exchanged_for) = (None, None, BTreeMap::new());
    for entry in entries {
        match &entry.record {
            Record::Presented { fingerprint } => presented = Some(*fingerprint),
            Record::Stored { fingerprint, .. } => {
                if let Some(before) = presented.take().filter(|before| before != fingerprint) {
                    exchanged_for.insert(*fingerprint, before);
                }
                login = Some(*fingerprint);
            }
            Record::Refused { fingerprint, .. } if login == Some(*fingerprint) => login = None,
            Record::LoggedOut => login = None,
            Record::Refused { .. }
            | Record::NotSent { .. }
            | Record::OutcomeUnknown { .. }
            | Record::Declined { .. }
            | Record::Told { .. }
            | Record::StoreDelayed { .. }
            | Record::LoggedIn { .. }
            | Record::Revoked { .. }
            | Record::Slept { .. } => {}
        }
    }
    let mut before = login.and_then(|login| exchanged_for.remove(&login));
    while let Some(spent) = before {
        if spent == token {
            return true;
        }
        before = exchanged_for.remove(&spent);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn token(name: &str) -> Fingerprint {
        Fingerprint::of(name)
    }

    fn stored(name: &str) -> Record {
        Record::Stored { fingerprint: token(name), rotations: 0, expires_at: Timestamp::UNIX_EPOCH }
    }

    /// `a>b`: a was presented and b stored; `a!`: a was refused; `-`: a person logged out.
    fn entries(story: &str) -> Vec<Entry> {
        let records = story.split(' ').flat_map(|part| match (part.split_once('>'), part.strip_suffix('!')) {
            (Some((before, after)), _) => vec![Record::Presented { fingerprint: token(before) }, stored(after)],
            (None, Some(refused)) => {
                let fingerprint = token(refused);
                vec![Record::Refused { fingerprint, expired_at: None, trace_id: None, reason: None }]
            }
            (None, None) => vec![Record::LoggedOut],
        });
        records.map(|record| Entry { at: Timestamp::UNIX_EPOCH, record }).collect()
    }

    #[test]
    fn what_was_exchanged_for_the_login_that_is_here_is_spent_and_nothing_else() {
        for (story, spent, others) in [
            ("a>b", "a", "b x"),
            ("a>b b>c c>d", "a b c", "d x"),
            // A server that does not rotate.
            ("a>a a>a", "", "a"),
            ("a>b b>b b>c", "a b", "c"),
            // The login is gone, and a server may take what it took before.
            ("a>b b>c c!", "", "a b c"),
            ("a>b -", "", "a b"),
            // Another login came after it.
            ("a>b b>c x>y", "x", "a b c y"),
            // A log-in that was refused costs the login nothing.
            ("a>b x!", "a", "b x"),
        ] {
            let entries = entries(story);
            for (names, expected) in [(spent, true), (others, false)] {
                for name in names.split_whitespace() {
                    assert_eq!(is_spent(&entries, token(name)), expected, "{story}: {name}");
                }
            }
        }
    }
}
