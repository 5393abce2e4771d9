//! What the page says after a button did its work.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::account::order::AccountOrder;
use crate::api::requests::{CopyAnswer, RefreshAnswer};
use crate::config::duration::in_words;
use crate::present::sentence::{local_time, not_refreshed, state_and_end};

/// After *Copy*.
#[must_use]
pub fn copied(answer: &CopyAnswer, now: Timestamp, zone: &TimeZone) -> String {
    let end = local_time(answer.expires_at, now, zone);
    match i64::try_from(answer.cleared_after) {
        Ok(0) | Err(_) => format!("Copied. The access token works until {end}, and stays on the clipboard."),
        Ok(seconds) => {
            let cleared = in_words(SignedDuration::from_secs(seconds));
            format!("Copied. The access token works until {end}; the clipboard is cleared in {cleared}.")
        }
    }
}

/// After *Refresh now*.
#[must_use]
pub fn refreshed(answer: &RefreshAnswer, now: Timestamp, zone: &TimeZone) -> String {
    if answer.refreshed {
        format!("Refreshed: {}.", state_and_end(&answer.account, now, zone))
    } else {
        not_refreshed(&answer.account, now)
    }
}

/// After an account was moved.
#[must_use]
pub fn moved(account: &AccountName, order: &AccountOrder) -> String {
    let place = order.names().position(|name| name == account).map_or(1, |place| place + 1);
    format!("{account} is number {place} of {}.", order.names().count())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn whoever_moves_an_account_hears_where_it_is() {
        let names = ["b", "a", "c"].map(|name| name.parse::<AccountName>().unwrap());
        assert_eq!(moved(&names[1], &names.clone().into_iter().collect()), "a is number 2 of 3.");
    }

    #[test]
    fn a_person_who_copies_learns_how_long_the_clipboard_keeps_it() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let expires_at = "2026-11-22T14:32:00Z".parse().unwrap();
        assert_eq!(
            copied(&CopyAnswer { expires_at, cleared_after: 45 }, now, &TimeZone::UTC),
            "Copied. The access token works until 14:32; the clipboard is cleared in 45 s."
        );
        assert_eq!(
            copied(&CopyAnswer { expires_at, cleared_after: 0 }, now, &TimeZone::UTC),
            "Copied. The access token works until 14:32, and stays on the clipboard."
        );
    }
}
