//! How a login goes on after a start, from what keychain and journal say.

use crate::keychain::KeychainProblem;
use crate::login::journal::Summary;
use crate::login::session::{Recovered, Resume};
use crate::login::token_store::StoredTokensInfo;
use crate::oauth::failure::Refusal;

/// Decides how the login goes on, in this run of the machine.
///
/// # Errors
/// [`KeychainProblem::Missing`] when the keychain has no refresh token although the journal knows of one: a
/// keychain that was never unlocked says "no entry" too, so that this is no proof of being signed out.
pub fn recover(found: &StoredTokensInfo, journal: &Summary, boot: &str) -> Result<Recovered, KeychainProblem> {
    let Some(current) = found.current() else {
        return match journal.stored {
            Some(_) => Err(KeychainProblem::Missing),
            None => {
                Ok(Recovered { refresh_token: None, access_token: None, asked_to_wait: None, resume: Resume::Continue })
            }
        };
    };
    if let Some(foreign) = &found.foreign {
        let resume = Resume::ServerChanged(foreign.clone());
        return Ok(Recovered { refresh_token: Some(current), access_token: None, asked_to_wait: None, resume });
    }
    // A refused candidate is dropped by the next rotation; the login before it is no reason to ask for another.
    let refused = journal.refused(current.fingerprint).filter(|_| found.left_behind().is_none());
    let unresolved = journal.unresolved(current.fingerprint);
    let resume = match (refused, unresolved) {
        (Some(refused), _) => Resume::Refused {
            refusal: Refusal { expired_at: refused.expired_at, ..Refusal::default() },
            since: refused.at,
            told: refused.told.as_deref() == Some(boot),
        },
        (None, Some(unresolved)) if unresolved.times == 1 => Resume::TryAgain,
        (None, Some(unresolved)) => Resume::TryPatiently { times: unresolved.times, last_at: unresolved.last_at },
        (None, None) => Resume::Continue,
    };
    let access_token = found.current_access_token().cloned();
    let asked_to_wait = journal.asked_to_wait.filter(|wait| wait.fingerprint == current.fingerprint);
    Ok(Recovered { refresh_token: Some(current), access_token, asked_to_wait, resume })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::login::journal::{Entry, Record, summarize};
    use crate::login::token_store::{RefreshTokenInfo, Slot};
    use crate::oauth::origin::ForeignServer;
    use crate::oauth::token::Fingerprint;

    fn found() -> StoredTokensInfo {
        let info = RefreshTokenInfo {
            slot: Slot::B,
            generation: 4,
            rotations: 3,
            stored_at: Timestamp::constant(1, 0),
            proven: true,
            end: None,
            fingerprint: Fingerprint::of("r4"),
        };
        StoredTokensInfo { b: Some(info), ..StoredTokensInfo::default() }
    }

    fn journal(records: &[Record]) -> Summary {
        let at = Timestamp::constant(9, 0);
        summarize(&records.iter().map(|record| Entry { at, record: record.clone() }).collect::<Vec<_>>())
    }

    fn presented() -> Record {
        Record::Presented { fingerprint: Fingerprint::of("r4") }
    }

    #[test]
    fn a_token_that_was_presented_once_gets_exactly_one_hurried_try() {
        assert_eq!(recover(&found(), &journal(&[]), "").map(|r| r.resume), Ok(Resume::Continue));
        assert_eq!(recover(&found(), &journal(&[presented()]), "").map(|r| r.resume), Ok(Resume::TryAgain));
        let resumed = recover(&found(), &journal(&[presented(), presented()]), "").map(|r| r.resume);
        assert_eq!(resumed, Ok(Resume::TryPatiently { times: 2, last_at: Timestamp::constant(9, 0) }));
    }

    #[test]
    fn a_refused_candidate_that_could_not_be_dropped_asks_nobody_to_log_in() {
        let refused =
            Record::Refused { fingerprint: Fingerprint::of("r4"), expired_at: None, trace_id: None, reason: None };
        let journal = journal(&[presented(), refused]);
        assert!(matches!(recover(&found(), &journal, "").map(|r| r.resume), Ok(Resume::Refused { .. })));
        let mut beside_a_login = found();
        beside_a_login.b = beside_a_login.b.map(|info| RefreshTokenInfo { proven: false, ..info });
        beside_a_login.a = beside_a_login.b.map(|info| RefreshTokenInfo {
            slot: Slot::A,
            generation: 3,
            proven: true,
            end: None,
            fingerprint: Fingerprint::of("r3"),
            ..info
        });
        assert_eq!(recover(&beside_a_login, &journal, "").map(|r| r.resume), Ok(Resume::Continue));
    }

    #[test]
    fn the_predecessor_of_a_stored_token_is_no_reason_to_hurry() {
        let earlier = Record::Presented { fingerprint: Fingerprint::of("r3") };
        assert_eq!(recover(&found(), &journal(&[earlier]), "").map(|r| r.resume), Ok(Resume::Continue));
    }

    #[test]
    fn p3_a_wait_that_the_endpoint_asked_for_outlives_a_restart() {
        let fingerprint = Fingerprint::of("r4");
        let later = Record::Declined { fingerprint, reason: String::new(), retry_after: Some(600) };
        let recovered = recover(&found(), &journal(&[presented(), later.clone()]), "")
            .map(|recovered| recovered.asked_to_wait.map(|wait| wait.until));
        assert_eq!(recovered, Ok(Some(Timestamp::constant(609, 0))));
        let stored = Record::Stored { fingerprint, rotations: 1, expires_at: Timestamp::constant(99, 0) };
        assert_eq!(journal(&[later, stored]).asked_to_wait, None);
    }

    #[test]
    fn p9_a_login_of_another_server_is_neither_resumed_nor_refused() {
        let foreign = ForeignServer { belongs_to: "a.example".to_owned(), configured: "b.example".to_owned() };
        let elsewhere = StoredTokensInfo { foreign: Some(foreign.clone()), ..found() };
        for record in [
            presented(),
            Record::Refused { fingerprint: Fingerprint::of("r4"), expired_at: None, trace_id: None, reason: None },
        ] {
            let recovered = recover(&elsewhere, &journal(&[record]), "")
                .map(|recovered| (recovered.resume, recovered.access_token));
            assert_eq!(recovered, Ok((Resume::ServerChanged(foreign.clone()), None)));
        }
    }

    #[test]
    fn an_empty_keychain_is_no_proof_of_being_signed_out() {
        let known = journal(&[Record::LoggedIn { fingerprint: Fingerprint::of("r4") }]);
        assert_eq!(recover(&StoredTokensInfo::default(), &known, ""), Err(KeychainProblem::Missing));
        let left = journal(&[Record::LoggedIn { fingerprint: Fingerprint::of("r4") }, Record::LoggedOut]);
        assert_eq!(recover(&StoredTokensInfo::default(), &left, "").map(|r| r.refresh_token), Ok(None));
    }

    #[test]
    fn a_refused_login_is_still_known_to_have_expired_and_when() {
        let expired_at = Some(Timestamp::constant(7, 0));
        let fingerprint = Fingerprint::of("r4");
        let refused = Record::Refused { fingerprint, expired_at, trace_id: None, reason: None };
        let resumed = recover(&found(), &journal(&[presented(), refused]), "").map(|recovered| recovered.resume);
        let refusal = Refusal { expired_at, ..Refusal::default() };
        assert_eq!(resumed, Ok(Resume::Refused { refusal, since: Timestamp::constant(9, 0), told: false }));
    }

    #[test]
    fn a_person_who_was_told_is_told_again_after_the_machine_was_started_anew() {
        let fingerprint = Fingerprint::of("r4");
        let refused = Record::Refused { fingerprint, expired_at: None, trace_id: None, reason: None };
        let journal = journal(&[presented(), refused, Record::Told { fingerprint, boot: "monday".to_owned() }]);
        let is_told = |boot| match recover(&found(), &journal, boot).map(|recovered| recovered.resume) {
            Ok(Resume::Refused { told, .. }) => Some(told),
            _ => None,
        };
        assert_eq!((is_told("monday"), is_told("tuesday")), (Some(true), Some(false)));
    }
}
