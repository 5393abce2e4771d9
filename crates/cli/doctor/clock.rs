//! The clock, by what the agent remembers. A clock that is off against the endpoint shows in the endpoint's answers.

use evertoken_core::status::{AccountStatus, StatusReport};
use jiff::{SignedDuration, Timestamp};

use super::Finding;

const CHECK: &str = "clock";
const CURE: &str = "Set the clock, for instance: timedatectl set-ntp true";
/// 1 January 2025: older than this program, and what a machine without a battery shows is older still.
const BEFORE_THIS_PROGRAM: Timestamp = Timestamp::constant(1_735_689_600, 0);
/// A clock that is kept by the network steps by less.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn verdict(report: Option<&StatusReport>, now: Timestamp) -> Finding {
    if now < BEFORE_THIS_PROGRAM {
        let what = format!("It says {}, which cannot be.", now.strftime("%-d %b %Y"));
        return Finding::fail(CHECK, what, CURE);
    }
    let newest = report.into_iter().flat_map(events).max();
    match newest {
        Some(newest) if newest.duration_since(now) > TOLERANCE => {
            let by = evertoken_core::duration::in_words(newest.duration_since(now));
            let what = format!("It was set back by {by} at least, so times and countdowns are not to be believed.");
            Finding::fail(CHECK, what, CURE)
        }
        Some(_) | None => Finding::ok(CHECK, "It agrees with what the agent remembers."),
    }
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
    use evertoken_core::status::State;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    #[test]
    fn a_clock_that_was_set_back_is_noticed_by_what_has_already_happened() {
        let mut account = account(State::Valid, None);
        account.refresh.last_success_at = Some(NOW + SignedDuration::from_hours(3));
        let finding = verdict(Some(&report(vec![account.clone()])), NOW);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.what.contains("3 h 0 m"), "{finding:?}");
        account.refresh.last_success_at = Some(NOW + SignedDuration::from_secs(30));
        assert_eq!(verdict(Some(&report(vec![account])), NOW).verdict, Verdict::Ok);
    }

    #[test]
    fn a_machine_without_a_battery_is_told_to_set_its_clock() {
        assert_eq!(verdict(None, Timestamp::UNIX_EPOCH).verdict, Verdict::Fail);
        assert_eq!(verdict(None, NOW).verdict, Verdict::Ok);
    }
}
