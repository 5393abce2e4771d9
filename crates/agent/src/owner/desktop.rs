//! What people do with the tray and the notifications.

use evertoken_core::account::AccountName;
use evertoken_core::api::requests::Approval;
use evertoken_core::login::journal::{Entry, Record};
use evertoken_core::login::notice::NoticeKind;
use evertoken_core::login::session::Event;
use evertoken_core::present::tray::Action;

use super::agent::Agent;
use crate::desktop::notifications::NotifierEvent;
use crate::desktop::window;
use crate::rotation::AccountContext;

impl Agent {
    pub(super) fn tray_action(&mut self, action: Action) {
        match action {
            Action::Copy(name) => self.copy(&name, None),
            Action::Refresh(name) => self.step(&name, Event::RefreshRequested),
            Action::Login(name) => window::open(window::View::LogIn(&name)),
            Action::OpenWindow | Action::Quit => window::open(window::View::Overview),
        }
    }

    pub(super) fn notifier_event(&mut self, event: NotifierEvent) {
        match event {
            NotifierEvent::Shown { account, kind: NoticeKind::LoginRequired } => self.told(&account),
            NotifierEvent::Clicked { account, kind: NoticeKind::LoginRequired } => {
                window::open(window::View::LogIn(&account));
            }
            NotifierEvent::Clicked { account, kind: NoticeKind::NotRenewed } => {
                window::open(window::View::Account(&account));
            }
            NotifierEvent::Clicked { kind: NoticeKind::KeychainRefused, .. } => self.keychain_returned(),
            NotifierEvent::Decided { account, program, allow } => {
                let decided = self.decide(&account, &Approval { program, allow });
                if let Err(problem) = decided {
                    tracing::warn!(%account, "the decision could not be kept: {problem}");
                }
            }
            NotifierEvent::Clicked { kind: NoticeKind::ApprovalRequired, .. }
            | NotifierEvent::Shown {
                kind: NoticeKind::NotRenewed | NoticeKind::KeychainRefused | NoticeKind::ApprovalRequired,
                ..
            }
            | NotifierEvent::Dismissed { .. } => {}
        }
    }

    /// Remembers that the person knows, so that a restart does not tell it again.
    fn told(&self, name: &AccountName) {
        let Some(AccountContext { journal, .. }) = self.context(name) else { return };
        let newest_refusal = journal.read().ok().and_then(|entries| entries.iter().rev().find_map(Entry::refused));
        let Some(fingerprint) = newest_refusal else { return };
        let told = Entry { at: self.clock.now(), record: Record::Told { fingerprint } };
        if let Err(error) = journal.append(&told) {
            tracing::warn!(account = %name, "the journal cannot be written: {error}");
        }
    }
}
