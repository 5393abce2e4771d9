//! Steps the sessions and does what they ask for.

use evertoken_core::account::AccountName;
use evertoken_core::login::rotation::Purpose;
use evertoken_core::login::session::{Effect, Event, Session};
use jiff::tz::TimeZone;
use tracing::{debug, info, warn};

use super::held::Held;
use super::{Agent, jobs};

impl Agent {
    /// Takes an account in and reads its tokens.
    pub(super) fn hold(&mut self, name: &AccountName) {
        let Some(account) = self.configuration.accounts.get(name) else { return };
        self.incarnations += 1;
        self.accounts.insert(name.clone(), Held::new(account.clone(), self.incarnations));
        self.effect(name, Effect::OpenTokens);
    }

    /// Reads an account's tokens anew; who waits goes on waiting, and so does a log-in.
    pub(super) fn open_again(&mut self, name: &AccountName) {
        let Some(held) = self.accounts.get_mut(name) else { return };
        self.incarnations += 1;
        held.incarnation = self.incarnations;
        held.session = Session::opening();
        held.access_token = None;
        held.newest = None;
        self.effect(name, Effect::OpenTokens);
    }

    /// Steps one account's session and carries its effects out.
    pub(super) fn step(&mut self, name: &AccountName, event: Event) {
        let moment = self.moment();
        let Some(held) = self.accounts.get_mut(name) else { return };
        let before = held.session.state(moment.now);
        let (session, effects) = held.session.clone().step(event, moment, &self.policy);
        held.session = session;
        let after = held.session.state(moment.now);
        if before != after {
            info!(account = %name, "{before:?} -> {after:?}");
        }
        for effect in effects {
            self.effect(name, effect);
        }
        self.answer_those_who_wait(name);
    }

    pub(super) fn effect(&mut self, name: &AccountName, effect: Effect) {
        debug!(account = %name, ?effect, "effect");
        let Some(held) = self.accounts.get_mut(name) else { return };
        match effect {
            Effect::OpenTokens | Effect::RequestToken(_) if self.ending => {}
            Effect::OpenTokens => {
                let place = self.workplace(name);
                self.start(name, jobs::open(place));
            }
            Effect::RequestToken(request) => {
                let known = held.session.refresh_token().map(|info| info.generation);
                let (incarnation, place) = (held.incarnation, self.workplace(name));
                let job = jobs::refresh(place, Purpose::Refresh { known }, request, incarnation, self.finished.clone());
                self.start(name, job);
            }
            Effect::Notify(notice) => {
                let wanted = notice.kind().is_wanted(self.configuration.settings.notifications);
                let notification = notice.notification(name, self.clock.now(), &TimeZone::system());
                // On a server the journal is where somebody looks.
                warn!("{}: {}", notification.title, notification.body);
                if let (true, Some(notifier)) = (wanted, &self.notifier) {
                    notifier.show(notification);
                }
            }
            Effect::Withdraw(kind) => {
                if let Some(notifier) = &self.notifier {
                    notifier.withdraw(name, kind);
                }
            }
            Effect::ForgetTokens => {
                held.access_token = None;
                held.newest = None;
                let clipboard = std::sync::Arc::clone(&self.clipboard);
                tokio::spawn(async move { clipboard.lock().await.clear_now().await });
            }
        }
    }
}
