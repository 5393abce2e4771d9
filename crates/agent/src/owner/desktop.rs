//! What people do with the tray and the notifications.

use evertoken_client::environment::wall_clock;
use evertoken_core::account::AccountName;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{Approval, CopyAnswer, RefreshAnswer, RefreshRequest};
use evertoken_core::config::Edit;
use evertoken_core::login::notice::{Notice, NoticeKind};
use evertoken_core::present::said::Said;
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
                (None, false) => self.answer_in_the_tray(Said::which_account()),
            },
            Action::Refresh(name) => self.refresh(&name, RefreshRequest { min_valid: None }, None),
            Action::Login(name) => window::open(window::View::LogIn(&name)),
            Action::Show(name) => window::open(window::View::History(&name)),
            Action::MakeDefault(name) => {
                if let Err(error) = self.apply(&Edit::SetDefault(name)) {
                    tracing::warn!("the default account was not changed: {error}");
                    self.say_problem_in_the_tray(&error.into());
                }
            }
            Action::Decide { account, program, allow } => self.answered(&account, &Approval { program, allow }),
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
            NotifierEvent::Clicked { account, kind: NoticeKind::KeychainRefused } => {
                if let Some(managed) = self.accounts.get_mut(&account) {
                    managed.is_retry_chosen = true;
                }
                self.keychain_returned();
            }
            NotifierEvent::Decided { account, program, allow } => {
                self.question_is_gone(&account);
                self.answered(&account, &Approval { program, allow });
            }
            NotifierEvent::Dismissed { account, kind: NoticeKind::ApprovalRequired }
            | NotifierEvent::Gone { account, kind: NoticeKind::ApprovalRequired } => self.question_is_gone(&account),
            NotifierEvent::Clicked { kind: NoticeKind::ApprovalRequired | NoticeKind::Copied, .. }
            | NotifierEvent::Shown { .. }
            | NotifierEvent::Dismissed { .. }
            | NotifierEvent::Gone { .. } => {}
        }
    }

    /// Answers who asked for a copy in the tray.
    pub(super) fn answer_copy(&mut self, name: &AccountName, result: &Result<CopyAnswer, Problem>) {
        let said = Said::of_copy(name, result, self.clock.now(), &wall_clock());
        self.notify(name, Notice::Copied { succeeded: said.is_copied, text: said.to_string() });
        self.answer_in_the_tray(said);
    }

    /// Answers who asked for a refresh in the tray.
    pub(super) fn answer_refresh(&mut self, result: &Result<RefreshAnswer, Problem>) {
        self.answer_in_the_tray(Said::of_refresh(result, self.clock.now(), &wall_clock()));
    }

    pub(super) fn say_problem_in_the_tray(&mut self, problem: &Problem) {
        self.answer_in_the_tray(Said::of_problem(problem, self.clock.now(), &wall_clock()));
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

    fn answer_in_the_tray(&mut self, said: Said) {
        if let Some(tray) = &self.tray {
            self.answers.show(said, tray);
        }
    }

    fn told(&mut self, name: &AccountName) {
        if let Some(context) = self.context(name) {
            self.start(&context.id.clone(), jobs::record_told(context));
        }
    }
}
