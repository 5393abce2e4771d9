//! The accounts by name. It knows which of them were touched, so that what follows a change looks at those alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use evertoken_core::account::{AccountId, AccountName};

use super::account::ManagedAccount;

/// Reads like the map that it is; every way to change an account marks it as touched.
#[derive(Default)]
pub(super) struct ManagedAccounts {
    /// In boxes, because a third of the places in such a map are empty.
    by_name: BTreeMap<AccountName, Box<ManagedAccount>>,
    names: HashMap<AccountId, AccountName>,
    touched: BTreeSet<AccountName>,
}

impl ManagedAccounts {
    pub(super) fn get_mut(&mut self, name: &AccountName) -> Option<&mut ManagedAccount> {
        let managed = self.by_name.get_mut(name)?;
        if !self.touched.contains(name) {
            self.touched.insert(name.clone());
        }
        Some(managed)
    }

    /// What is told of the account may have changed, and it is not kept with it.
    pub(super) fn touch(&mut self, name: &AccountName) {
        let _ = self.get_mut(name);
    }

    /// Takes an account in, unless another one has its name.
    pub(super) fn insert(&mut self, name: AccountName, managed: Box<ManagedAccount>) {
        if self.by_name.contains_key(&name) {
            return;
        }
        self.names.insert(managed.id.clone(), name.clone());
        self.touched.insert(name.clone());
        self.by_name.insert(name, managed);
    }

    pub(super) fn remove(&mut self, id: &AccountId) -> Option<Box<ManagedAccount>> {
        let name = self.names.remove(id)?;
        let managed = self.by_name.remove(&name);
        self.touched.insert(name);
        managed
    }

    /// Takes all of them out; what each was called counts as touched.
    pub(super) fn take_all(&mut self) -> Self {
        let all = std::mem::take(self);
        self.touched = all.touched.iter().chain(all.by_name.keys()).cloned().collect();
        all
    }

    pub(super) fn name_of(&self, id: &AccountId) -> Option<&AccountName> {
        self.names.get(id)
    }

    pub(super) fn is_untouched(&self) -> bool {
        self.touched.is_empty()
    }

    /// Has any account a token file, of those that were touched?
    pub(super) fn is_touched_with_token_file(&self) -> bool {
        let touched = self.touched.iter().filter_map(|name| self.by_name.get(name));
        touched.map(|managed| managed.account()).any(|account| account.sharing.token_file.is_some())
    }

    /// The accounts that may have changed since this was asked last, and those that are gone.
    pub(super) fn take_touched(&mut self) -> BTreeSet<AccountName> {
        std::mem::take(&mut self.touched)
    }
}

impl Deref for ManagedAccounts {
    type Target = BTreeMap<AccountName, Box<ManagedAccount>>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl IntoIterator for ManagedAccounts {
    type Item = (AccountName, Box<ManagedAccount>);
    type IntoIter = std::collections::btree_map::IntoIter<AccountName, Box<ManagedAccount>>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_name.into_iter()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use evertoken_core::account::Account;
    use evertoken_core::oauth::server::Server;

    use super::*;

    fn named(name: &str) -> AccountName {
        name.parse().unwrap()
    }

    fn two() -> ManagedAccounts {
        let mut accounts = ManagedAccounts::default();
        for (bits, name) in [(1, "a"), (2, "b")] {
            let account = Account::of(Server::at("https://api.example/token".parse().unwrap()));
            accounts.insert(named(name), ManagedAccount::new(AccountId::random(bits), account));
        }
        accounts
    }

    fn touched(accounts: &mut ManagedAccounts) -> Vec<String> {
        accounts.take_touched().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_who_may_change_an_account_touches_it() {
        let mut accounts = two();
        assert_eq!(touched(&mut accounts), ["a", "b"]);
        assert!(accounts.get(&named("a")).is_some() && accounts.iter().count() == 2);
        assert!(touched(&mut accounts).is_empty());
        assert!(accounts.get_mut(&named("b")).is_some() && accounts.get_mut(&named("c")).is_none());
        assert_eq!(touched(&mut accounts), ["b"]);
        accounts.remove(&AccountId::random(1)).unwrap();
        assert_eq!(touched(&mut accounts), ["a"]);
    }

    #[test]
    fn who_is_not_put_back_is_touched_all_the_same() {
        let mut accounts = two();
        accounts.take_touched();
        let mut before = accounts.take_all();
        let renamed = before.remove(&AccountId::random(2)).unwrap();
        accounts.insert(named("c"), renamed);
        assert_eq!(touched(&mut accounts), ["a", "b", "c"]);
        assert_eq!(accounts.name_of(&AccountId::random(2)), Some(&named("c")));
        assert_eq!(accounts.name_of(&AccountId::random(1)), None);
    }
}
