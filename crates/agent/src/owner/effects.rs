//! Steps the sessions and does what they ask for.

use evertoken_client::environment::wall_clock;
use evertoken_core::account::AccountName;
use evertoken_core::config::HookEvent;
use evertoken_core::login::notice::{Notice, NoticeKind};
use evertoken_core::login::rotation::Purpose;
use evertoken_core::login::session::{Effect, Event};
use tracing::{debug, info, warn};

use super::account::brings_access_token;
use super::agent::Agent;
use super::jobs;

impl Agent {
    /// Reads an account's tokens.
    pub(super) fn open(&mut self, name: &AccountName) {
        self.effect(name, Effect::OpenTokens);
    }

    pub(super) fn open_next(&mut self) {
        while !self.rotations.are_ending()
            && let Some(id) = self.openings.start_next()
        {
            match self.accounts.name_of(&id).and_then(|name| self.context(name)) {
                Some(context) => self.start(&id, jobs::open(context)),
                None => self.openings.ended(),
            }
        }
    }

    /// Reads an account's tokens anew; callers go on waiting, and so does a log-in.
    pub(super) fn open_again(&mut self, name: &AccountName) {
        let Some(managed) = self.accounts.get_mut(name) else { return };
        managed.session = managed.session.clone().reopened();
        managed.access_token = None;
        managed.last_stored = None;
        self.open(name);
    }

    pub(super) fn notify(&mut self, name: &AccountName, notice: Notice) {
        self.effect(name, Effect::Notify(notice));
    }

    pub(super) fn withdraw(&mut self, name: &AccountName, kind: NoticeKind) {
        self.effect(name, Effect::Withdraw(kind));
    }

    /// Steps one account's session and carries its effects out.
    pub(super) fn step(&mut self, name: &AccountName, event: Event) {
        let moment = self.moment();
        let Some(managed) = self.accounts.get_mut(name) else { return };
        let last_success = managed.session.last_success();
        let is_grant = brings_access_token(&event);
        managed.count(&event);
        let (session, effects) = managed.session.clone().step(event, moment, &self.policy);
        managed.session = session;
        managed.stepped_at = moment.now;
        let is_refreshed = is_grant && managed.session.last_success() != last_success;
        let after = managed.session.state(moment.now);
        let before = std::mem::replace(&mut managed.last_state, after);
        if before != after {
            info!(account = %name, "{before:?} -> {after:?}");
        }
        for effect in effects {
            self.effect(name, effect);
        }
        self.answer_waiters(name);
        if let Some(event) = HookEvent::of(before, after, is_refreshed) {
            self.run_hook(name, event);
        }
    }

    pub(super) fn effect(&mut self, name: &AccountName, effect: Effect) {
        debug!(account = %name, ?effect, "effect");
        let Some(managed) = self.accounts.get_mut(name) else { return };
        match effect {
            Effect::OpenTokens | Effect::RequestToken(_) if self.rotations.are_ending() => {}
            Effect::OpenTokens => {
                self.openings.add(managed.id.clone());
                self.open_next();
            }
            Effect::RequestToken(request) => {
                let known = managed.session.refresh_token().map(|info| info.generation);
                if let Some(context) = self.context(name) {
                    let job =
                        jobs::refresh(context.clone(), Purpose::Refresh { known }, request, self.finished.clone());
                    self.start(&context.id, job);
                }
            }
            Effect::Notify(notice) => {
                let wanted = notice.kind().is_wanted(self.configuration.settings.notifications);
                let notification =
                    notice.notification(name, managed.account().server.name(), self.clock.now(), &wall_clock());
                // On a server the journal is where somebody looks.
                if !notification.kind.is_transient() {
                    warn!("{}: {}", notification.title, notification.body);
                }
                if let (true, Some(notifier)) = (wanted, &self.notifier) {
                    notifier.show(notification);
                }
            }
            Effect::Update(notice) => {
                if let Some(notifier) = &self.notifier {
                    let server = managed.account().server.name();
                    notifier.update(notice.notification(name, server, self.clock.now(), &wall_clock()));
                }
            }
            Effect::Withdraw(kind) => {
                if let Some(notifier) = &self.notifier {
                    notifier.withdraw(name, kind);
                }
            }
            Effect::DropFromMemory => {
                managed.access_token = None;
                managed.last_stored = None;
                let (clipboard, id) = (std::sync::Arc::clone(&self.clipboard), managed.id.clone());
                tokio::spawn(async move { clipboard.lock().await.clear_token_of(&id).await });
            }
        }
    }
}
