//! Those who wait for a refresh are answered when the refresher rests.

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::CopyAnswer;
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::session::{Event, Phase};
use tracing::warn;

use super::Agent;
use super::held::{Asker, Held, Waiting, Want};
use super::jobs::JobResult;

impl Want {
    pub(super) const fn is_refreshed(self) -> bool {
        match self {
            Self::Refreshed => true,
            Self::TokenThatLasts(_) => false,
        }
    }
}

impl Agent {
    /// Answers at once when nothing is under way.
    pub(super) fn wait_or_answer(&mut self, name: &AccountName, waiting: Waiting) {
        if let Some(held) = self.accounts.get_mut(name) {
            held.waiting.push(waiting);
        }
        self.answer_those_who_wait(name);
    }

    pub(super) fn answer_those_who_wait(&mut self, name: &AccountName) {
        let Some(held) = self.accounts.get_mut(name) else { return };
        if held.session.is_busy() {
            return;
        }
        for waiting in std::mem::take(&mut held.waiting) {
            match waiting {
                Waiting::Refresh(want, reply) => drop(reply.send(self.refresh_outcome(name, want))),
                Waiting::Copy(asker) => self.copy_now(name, asker),
            }
        }
    }

    fn refresh_outcome(&self, name: &AccountName, want: Want) -> Result<AccountStatus, Problem> {
        let status = self.status_of(name)?;
        let Some(held) = self.accounts.get(name) else { return Ok(status) };
        let (now, min_valid) = match want {
            Want::TokenThatLasts(min_valid) => (self.clock.now(), min_valid),
            Want::Refreshed => (self.clock.now(), None),
        };
        let succeeded = match want {
            Want::TokenThatLasts(_) => held.session.lasts(min_valid, now, &self.policy),
            Want::Refreshed => rests_after_success(held),
        };
        if succeeded { Ok(status) } else { Err(held.session.why_no_token(name, min_valid, now, &self.policy)) }
    }

    /// Copies the access token, after a refresh if it does not last.
    pub(super) fn copy(&mut self, name: &AccountName, asker: Option<Asker>) {
        self.step(name, Event::TokenWanted { min_valid: None });
        self.wait_or_answer(name, Waiting::Copy(asker));
    }

    fn copy_now(&mut self, name: &AccountName, asker: Option<Asker>) {
        let Some(held) = self.accounts.get(name) else { return };
        let now = self.clock.now();
        let valid = held.session.access_token().filter(|info| info.remaining(now).is_positive());
        let (Some(info), Some(token)) = (valid, held.access_token.clone()) else {
            let problem = held.session.why_no_token(name, None, now, &self.policy);
            return self.copied(name, asker, Err(problem));
        };
        let cleared_after = self.configuration.settings.clear_clipboard_after.as_secs();
        let answer = CopyAnswer { expires_at: info.expires_at, cleared_after };
        let clipboard = Arc::clone(&self.clipboard);
        self.start(name, async move {
            let copied = clipboard.lock().await.copy(&token, Duration::from_secs(cleared_after)).await;
            Some(JobResult::Copied(asker, copied.map(|()| answer).map_err(|error| no_clipboard(&error))))
        });
    }

    pub(super) fn copied(&mut self, name: &AccountName, asker: Option<Asker>, result: Result<CopyAnswer, Problem>) {
        if let Err(problem) = &result {
            warn!(account = %name, "not copied: {problem}");
        }
        if let Some(Asker { caller, reply }) = asker {
            self.note_answer(name, caller, &result);
            let _ = reply.send(result);
        }
    }
}

const fn rests_after_success(held: &Held) -> bool {
    match held.session.phase() {
        Phase::Scheduled { .. } => true,
        Phase::Opening { .. }
        | Phase::SignedOut
        | Phase::Requesting { .. }
        | Phase::BackingOff { .. }
        | Phase::AuthorizationRequired { .. } => false,
    }
}

fn no_clipboard(error: &impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemKind::NoClipboard,
        format!("Not copied: {error}."),
        "Use `evertoken token` instead, or run the agent in a desktop session.",
    )
}
