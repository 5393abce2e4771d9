//! What the page says after a button did its work.

use crate::account::AccountName;
use crate::account::order::AccountOrder;
use crate::api::status::StatusReport;

/// After a log-in; of a new account, which one is still meant when none is named.
#[must_use]
pub fn logged_in(account: &AccountName, is_new: bool, report: &StatusReport) -> String {
    match report.accounts.iter().find(|other| other.default) {
        Some(default) if is_new && default.name != *account => {
            format!("{account} is logged in. The default account is still {}.", default.name)
        }
        Some(_) | None => format!("{account} is logged in."),
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
}
