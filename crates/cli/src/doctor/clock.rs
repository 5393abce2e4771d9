//! The clock, by what the agent remembers and by the date of the endpoint's last answer.

use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::status::{AccountStatus, StatusReport};
use jiff::{SignedDuration, Timestamp};

use super::Finding;

const CHECK: &str = "clock";
const CURE: &str = "Set the clock, for instance: timedatectl set-ntp true";
/// 1 January 2025: older than this program, and what a machine without a battery shows is older still.
const BEFORE_THIS_PROGRAM: Timestamp = Timestamp::constant(1_735_689_600, 0);
/// A clock that is kept by the network steps by less.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn verdict(report: Option<&StatusReport>, diagnosis: Option<&Diagnosis>, now: Timestamp) -> Finding {
    if now < BEFORE_THIS_PROGRAM {
        let what = format!("It says {}, which is impossible.", now.strftime("%-d %b %Y"));
        return Finding::fail(CHECK, what, CURE);
    }
    let newest = report.into_iter().flat_map(events).max();
    match newest {
        Some(newest) if newest.duration_since(now) > TOLERANCE => {
            let by = evertoken_core::config::duration::in_words(newest.duration_since(now));
            let what = format!("It was set back by {by} at least, so times and countdowns are not to be believed.");
            Finding::fail(CHECK, what, CURE)
        }
        Some(_) | None => against_the_endpoint(diagnosis.and_then(|diagnosis| diagnosis.endpoint_clock_ahead)),
    }
}

fn against_the_endpoint(ahead: Option<i64>) -> Finding {
    let Some(ahead) = ahead.map(SignedDuration::from_secs) else {
        return Finding::ok(CHECK, "It agrees with what the agent remembers; no endpoint has been asked yet.");
    };
    if ahead.abs() <= TOLERANCE {
        return Finding::ok(CHECK, "It agrees with the endpoint's.");
    }
    let by = evertoken_core::config::duration::in_words(ahead.abs());
    let side = if ahead.is_positive() { "behind" } else { "ahead of" };
    let what = format!("It was {by} {side} the endpoint's at its last answer; certificates may seem to be invalid.");
    Finding::warn(CHECK, what, CURE)
}

/// What has happened, and so cannot be in the future.
fn events(report: &StatusReport) -> impl Iterator<Item = Timestamp> {
    let of_account = |account: &AccountStatus| {
        let stored = account.refresh_token.as_ref().map(|token| token.stored_at);
        let issued = account.access_token.as_ref().map(|token| token.issued_at);
        [stored, issued, account.refresh.last_success_at, account.login.required_since]
    };
    let accounts = report.accounts.iter().flat_map(of_account).flatten();
    accounts.chain([report.agent.started_at])
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::account::tests::{account, report};
    use super::*;
    use evertoken_core::api::status::State;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    #[test]
    fn a_clock_that_was_set_back_is_noticed_by_what_has_already_happened() {
        let mut account = account(State::Valid, None);
        account.refresh.last_success_at = Some(NOW + SignedDuration::from_hours(3));
        let finding = verdict(Some(&report(vec![account.clone()])), None, NOW);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.contains("3 h 0 min"), "{finding:?}");
        account.refresh.last_success_at = Some(NOW + SignedDuration::from_secs(30));
        assert_eq!(verdict(Some(&report(vec![account])), None, NOW).verdict, Verdict::Ok);
    }

    #[test]
    fn a_machine_without_a_battery_is_told_to_set_its_clock() {
        assert_eq!(verdict(None, None, Timestamp::UNIX_EPOCH).verdict, Verdict::Fail);
        assert_eq!(verdict(None, None, NOW).verdict, Verdict::Ok);
    }

    #[test]
    fn a_clock_that_is_off_against_the_endpoint_is_named_with_its_side() {
        let found = |ahead| {
            let diagnosis = Diagnosis { endpoint_clock_ahead: ahead, ..Diagnosis::default() };
            verdict(None, Some(&diagnosis), NOW)
        };
        assert_eq!((found(None).verdict, found(Some(-119)).verdict), (Verdict::Ok, Verdict::Ok));
        let finding = found(Some(3 * 3600));
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.what.starts_with("It was 3 h 0 min behind the endpoint's"), "{finding:?}");
        assert!(found(Some(-3 * 3600)).what.contains("ahead of"));
    }
}
