//! What people do with the tray and the notifications.

use evertoken_client::environment::wall_clock;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{Approval, CopyAnswer};
use evertoken_core::config::Edit;
use evertoken_core::login::notice::{Notice, NoticeKind};
use evertoken_core::login::session::Event;
use evertoken_core::present::copied::Copied;
use evertoken_core::present::tray::Action;

use super::agent::Agent;
use super::jobs;
use crate::desktop::notifications::NotifierEvent;
use crate::desktop::{start_at_login, tray, window};

impl Agent {
    pub(super) fn tray_action(&mut self, action: Action) {
        match action {
            Action::Copy(name) => self.copy(&name, None),
            Action::CopyDefault => match (self.configuration.implied_account().cloned(), self.accounts.is_empty()) {
                (Some(name), _) => self.copy(&name, None),
                (None, true) => window::open(window::View::Overview),
                (None, false) => self.answer_in_the_tray(Copied::which_account()),
            },
            Action::Refresh(name) => self.step(&name, Event::RefreshRequested),
            Action::Login(name) => window::open(window::View::LogIn(&name)),
            Action::Show(name) => window::open(window::View::History(&name)),
            Action::MakeDefault(name) => {
                if let Err(error) = self.apply(&Edit::SetDefault(name)) {
                    tracing::warn!("the default account was not changed: {error}");
                }
            }
            Action::Decide { account, program, allow } => self.decided(&account, &Approval { program, allow }),
            Action::OpenWindow | Action::Quit => window::open(window::View::Overview),
        }
    }

    pub(super) fn notifier_event(&mut self, event: NotifierEvent) {
        match event {
            NotifierEvent::Dismissed { account, kind: NoticeKind::LoginRequired } => self.told(&account),
            NotifierEvent::Clicked { account, kind: NoticeKind::LoginEnds } => {
                window::open(window::View::LogIn(&account))
            }
            NotifierEvent::Clicked { account, kind: NoticeKind::LoginRequired } => {
                self.told(&account);
                window::open(window::View::LogIn(&account));
            }
            NotifierEvent::Clicked { account, kind: NoticeKind::NotRenewed } => {
                window::open(window::View::Account(&account));
            }
            NotifierEvent::Clicked { kind: NoticeKind::NoTray, .. } => window::open(window::View::Overview),
            NotifierEvent::Clicked { kind: NoticeKind::KeychainRefused, .. } => self.keychain_returned(),
            NotifierEvent::Decided { account, program, allow } => self.decided(&account, &Approval { program, allow }),
            NotifierEvent::Clicked { kind: NoticeKind::ApprovalRequired | NoticeKind::Copied, .. }
            | NotifierEvent::Shown { .. }
            | NotifierEvent::Dismissed { .. }
            | NotifierEvent::Gone { .. } => {}
        }
    }

    fn decided(&mut self, account: &AccountName, approval: &Approval) {
        if let Err(problem) = self.decide(account, approval) {
            tracing::warn!(%account, "the decision could not be kept: {problem}");
        }
    }

    /// Answers who asked for a copy in the tray.
    pub(super) fn answer_copy(&mut self, name: &AccountName, result: &Result<CopyAnswer, Problem>) {
        let copied = Copied::of(name, result, self.clock.now(), &wall_clock());
        self.notify(name, Notice::Copied { succeeded: copied.succeeded, text: copied.to_string() });
        self.answer_in_the_tray(copied);
    }

    /// After the first log-in on a desktop: the agent is there from now on, so that the next notification is too, and the
    /// person knows where it is.
    pub(super) fn settle_on_the_desktop(&mut self, name: &AccountName) {
        if self.tray.is_none() || self.accounts.len() > 1 || !start_at_login::is_desktop_session() {
            return;
        }
        // Made by a package, by hand, or switched off in the desktop's own settings: decided.
        if start_at_login::has_entry(&self.paths) {
            return;
        }
        let was_decided = self.configuration.settings.start_at_login;
        if let Err(error) = self.apply(&Edit::StartAtLoginUnlessDecided) {
            return tracing::warn!("Evertoken does not start with the desktop: {error}");
        }
        if !was_decided
            && self.configuration.settings.start_at_login
            && let Some(notifier) = self.notifier.clone()
        {
            let notice = Notice::NoTray.notification(name, "Evertoken", self.clock.now(), &wall_clock());
            tokio::spawn(async move {
                if !tray::is_there().await {
                    notifier.show(notice);
                }
            });
        }
    }

    fn answer_in_the_tray(&mut self, copied: Copied) {
        if let Some(tray) = &self.tray {
            self.answers.show(copied, tray);
        }
    }

    fn told(&mut self, name: &AccountName) {
        if let Some(context) = self.context(name) {
            self.start(&context.id.clone(), jobs::record_told(context));
        }
    }
}
