//! What all rotations of this agent and its owner know at once, without a message that could come too late.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evertoken_core::account::AccountName;

/// The rotations of this agent.
#[derive(Clone, Default)]
pub(crate) struct Rotations(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    are_ending: bool,
    only_copies: BTreeMap<u64, AccountName>,
}

impl Rotations {
    /// The agent ends: from now on no token is presented. Those that were are waited for.
    pub(crate) fn end(&self) {
        self.state().are_ending = true;
    }

    pub(crate) fn are_ending(&self) -> bool {
        self.state().are_ending
    }

    /// The new login of this account exists in the rotation alone, whatever becomes of the account meanwhile.
    pub(super) fn only_copy(&self, account: &AccountName) -> OnlyCopy {
        let mut state = self.state();
        let number = state.only_copies.last_key_value().map_or(0, |(last, _)| last + 1);
        state.only_copies.insert(number, account.clone());
        OnlyCopy { rotations: self.clone(), number }
    }

    /// The accounts whose new login would be lost with this process.
    pub(crate) fn unstored(&self) -> Vec<AccountName> {
        self.state().only_copies.values().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A login that no other place has. Gone, when it is stored.
pub(super) struct OnlyCopy {
    rotations: Rotations,
    number: u64,
}

impl Drop for OnlyCopy {
    fn drop(&mut self) {
        self.rotations.state().only_copies.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn each_copy_counts_until_it_is_stored() {
        let rotations = Rotations::default();
        let name: AccountName = "vault".parse().unwrap();
        let (refreshed, logged_in) = (rotations.only_copy(&name), rotations.clone().only_copy(&name));
        assert_eq!(rotations.unstored(), [name.clone(), name.clone()]);
        drop(refreshed);
        assert_eq!(rotations.unstored(), [name]);
        drop(logged_in);
        assert!(rotations.unstored().is_empty());
    }
}
