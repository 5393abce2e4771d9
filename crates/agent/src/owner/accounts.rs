//! Finds accounts, and what a job needs to know of one.

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::unknown_account::{account_not_named, no_account, unknown_account};

use super::account::ManagedAccount;
use super::agent::Agent;
use crate::request::{AccountRef, InUse};
use crate::rotation::{AccountContext, ServerCell};
use crate::store::journal_file::JournalFile;
use crate::store::token_store::TokenStore;

impl Agent {
    /// The account that is meant.
    pub(super) fn resolve(&self, account: AccountRef) -> Result<AccountName, Problem> {
        match account {
            Some(name) if self.accounts.contains_key(&name) => Ok(name),
            Some(name) => Err(self.unknown_account(&name)),
            None => self.default_account(),
        }
    }

    pub(super) fn default_account(&self) -> Result<AccountName, Problem> {
        let default = self.configuration.implied_account().filter(|name| self.accounts.contains_key(name)).cloned();
        default.ok_or_else(|| if self.accounts.is_empty() { no_account() } else { account_not_named() })
    }

    pub(super) fn account(&self, name: &AccountName) -> Option<&ManagedAccount> {
        self.accounts.get(name).map(Box::as_ref)
    }

    pub(super) fn id_of(&self, name: &AccountName) -> Option<AccountId> {
        self.accounts.get(name).map(|managed| managed.id.clone())
    }

    /// The name, or one like it if another account has taken it since.
    pub(super) fn free_name(&self, name: AccountName) -> AccountName {
        let numbered = (2..100).filter_map(|number| format!("{name}-{number}").parse().ok());
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !self.accounts.contains_key(name)).unwrap_or(name)
    }

    pub(super) fn refuse_taken(&self, name: &AccountName) -> Result<(), Problem> {
        if self.accounts.contains_key(name) || self.configuration.accounts.contains_key(name) {
            return Err(Problem::new(
                ProblemKind::AccountExists,
                format!("An account {name} exists already; nothing was changed."),
                "Choose another name.",
            ));
        }
        Ok(())
    }

    /// The problem of a name that no account has.
    pub(super) fn unknown_account(&self, name: &AccountName) -> Problem {
        unknown_account(name, self.accounts.keys())
    }

    pub(super) fn context(&self, name: &AccountName) -> Option<AccountContext> {
        let managed = self.accounts.get(name)?;
        let context = self.context_with(name, &managed.id);
        Some(AccountContext {
            server: managed.server.clone(),
            last_stored: managed.last_stored.clone(),
            retry_store: std::sync::Arc::clone(&managed.retry_store),
            old_journal: managed.has_no_id.then(|| JournalFile::new(self.paths.old_journal(name))),
            ..context
        })
    }

    pub(super) fn in_use(&self) -> InUse {
        let locks = self.accounts.iter().map(|(name, managed)| (name.clone(), self.paths.lock(&managed.id))).collect();
        InUse { keychain: self.keychain.clone(), locks }
    }

    /// For an account that may not exist yet.
    pub(super) fn context_with(&self, name: &AccountName, id: &AccountId) -> AccountContext {
        AccountContext {
            name: name.clone(),
            id: id.clone(),
            server: ServerCell::default(),
            tokens: TokenStore::new(self.keychain.clone(), id.clone()),
            journal: JournalFile::new(self.paths.journal(id)),
            lock: self.paths.lock(id),
            last_stored: None,
            retry_store: std::sync::Arc::default(),
            rotations: self.rotations.clone(),
            old_journal: None,
        }
    }
}
