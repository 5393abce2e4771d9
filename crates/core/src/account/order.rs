//! The order in which a person wants to see the accounts, where people look: in the window, the tray and the terminal.

use serde::{Deserialize, Serialize};

use crate::account::AccountName;

/// Accounts that are named here come first, as they are named; the others follow by name. A name that no account has
/// is passed over: the account may come back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct AccountOrder(Vec<AccountName>);

/// One place further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Towards the first.
    Up,
    /// Towards the last.
    Down,
}

impl AccountOrder {
    /// The names, first to last.
    pub fn names(&self) -> impl Iterator<Item = &AccountName> {
        self.0.iter()
    }

    /// Has nobody chosen an order?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sorts things that have names and are in the order of these.
    pub fn sort<T>(&self, things: &mut [T], name: impl Fn(&T) -> &AccountName) {
        things.sort_by_key(|thing| {
            let place = self.0.iter().position(|named| named == name(thing));
            place.unwrap_or(self.0.len())
        });
    }

    /// The order of all these accounts after one of them was moved; the first stays the first, and the last the last.
    #[must_use]
    pub fn moved(&self, accounts: &[&AccountName], account: &AccountName, step: Step) -> Self {
        let mut names: Vec<AccountName> = accounts.iter().copied().cloned().collect();
        names.sort();
        self.sort(&mut names, |name| name);
        let from = names.iter().position(|name| name == account);
        let to = from.and_then(|from| match step {
            Step::Up => from.checked_sub(1),
            Step::Down => Some(from + 1).filter(|to| *to < names.len()),
        });
        if let (Some(from), Some(to)) = (from, to) {
            names.swap(from, to);
        }
        Self(names)
    }
}

impl FromIterator<AccountName> for AccountOrder {
    fn from_iter<T: IntoIterator<Item = AccountName>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn order(names: &[&str]) -> AccountOrder {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn sorted(order: &AccountOrder) -> Vec<String> {
        let mut names: Vec<AccountName> = ["a", "b", "c", "d"].map(|name| name.parse().unwrap()).into();
        order.sort(&mut names, |name| name);
        names.into_iter().map(String::from).collect()
    }

    #[test]
    fn accounts_that_nobody_has_placed_follow_by_name() {
        assert_eq!(sorted(&order(&[])), ["a", "b", "c", "d"]);
        assert!(order(&[]).is_empty() && !order(&["c"]).is_empty());
        assert_eq!(order(&["c", "gone"]).names().map(AccountName::as_str).collect::<Vec<_>>(), ["c", "gone"]);
        assert_eq!(sorted(&order(&["c", "gone", "b", "c"])), ["c", "b", "a", "d"]);
    }

    #[test]
    fn one_step_changes_places_with_the_neighbour_that_a_person_sees() {
        let names: Vec<AccountName> = ["a", "b", "c", "d"].map(|name| name.parse().unwrap()).into();
        let accounts: Vec<&AccountName> = names.iter().collect();
        let moved = |order: &AccountOrder, name: &str, step| order.moved(&accounts, &name.parse().unwrap(), step);
        let chosen = order(&["c"]);
        assert_eq!(sorted(&moved(&chosen, "a", Step::Up)), ["a", "c", "b", "d"]);
        assert_eq!(sorted(&moved(&chosen, "b", Step::Down)), ["c", "a", "d", "b"]);
        for (name, step) in [("c", Step::Up), ("d", Step::Down), ("nobody", Step::Up)] {
            assert_eq!(sorted(&moved(&chosen, name, step)), ["c", "a", "b", "d"], "{name}");
        }
    }
}
