//! The log-ins that run.

use std::collections::BTreeMap;

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::api::requests::AccountSettings;
use evertoken_core::oauth::token::Fingerprint;
use tokio::sync::mpsc;

use crate::login::{Pasted, PersonsAnswer};

/// The log-ins that have not ended.
#[derive(Default)]
pub(super) struct LogIns {
    pub(super) running: BTreeMap<LogInNumber, RunningLogIn>,
    pub(super) count: u64,
}

/// Tells log-ins apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogInNumber(pub(super) u64);

pub(super) struct RunningLogIn {
    pub(super) account: AccountId,
    pub(super) name: AccountName,
    pub(super) is_sign_in: bool,
    /// What a person gave: the same token, given again with a yes, means this login.
    pub(super) given: Option<Fingerprint>,
    /// Unknown for a login that an earlier run of the agent left waiting.
    pub(super) settings: Option<AccountSettings>,
    /// What waits for a person's answer.
    pub(super) asked: Option<Fingerprint>,
    pub(super) answers: mpsc::UnboundedSender<PersonsAnswer>,
    /// What a browser on another machine brought. Closed unless a sign-in waits for it.
    pub(super) pasted: mpsc::UnboundedSender<Pasted>,
}

impl RunningLogIn {
    /// Whether this log-in is for the server of the one that waits. What waits unsent for a mistyped server may be given again.
    pub(super) fn is_for(&self, settings: &AccountSettings) -> bool {
        *settings == AccountSettings::default() || self.settings.as_ref().is_none_or(|asked| asked == settings)
    }

    pub(super) fn end(&mut self) {
        self.asked = None;
        self.answers = mpsc::unbounded_channel().0;
    }
}

impl LogIns {
    /// Every log-in ends, unless it is being proven: then its login is taken over first.
    pub(super) fn end(&mut self) {
        self.running.values_mut().for_each(RunningLogIn::end);
    }

    pub(super) fn end_of(&mut self, account: &AccountId) {
        self.running.values_mut().filter(|log_in| log_in.account == *account).for_each(RunningLogIn::end);
    }

    pub(super) fn of(&self, account: &AccountId) -> usize {
        self.running.values().filter(|log_in| log_in.account == *account).count()
    }

    /// The id of an account that a running log-in is about to make.
    pub(super) fn id_of_new(&self, name: &AccountName) -> Option<AccountId> {
        self.running.values().find(|log_in| log_in.name == *name).map(|log_in| log_in.account.clone())
    }

    pub(super) fn take_answers(
        &mut self,
        is_meant: impl Fn(&RunningLogIn) -> bool,
    ) -> Option<mpsc::UnboundedSender<PersonsAnswer>> {
        let log_in = self.running.values_mut().find(|log_in| log_in.asked.is_some() && is_meant(log_in))?;
        log_in.asked = None;
        Some(log_in.answers.clone())
    }
}
