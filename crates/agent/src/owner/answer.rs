//! Those who wait for a refresh are answered when the refresher rests.

use std::sync::Arc;
use std::time::Duration;

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{CopyAnswer, RefreshAnswer};
use evertoken_core::login::session::{Event, Phase};
use tracing::warn;

use super::account::{CopyRequest, LastSuccess, ManagedAccount, RefreshGoal, Waiter};
use super::agent::Agent;
use super::finished::JobResult;

impl Agent {
    /// Answers at once when nothing is under way.
    pub(super) fn wait_or_answer(&mut self, name: &AccountName, waiter: Waiter) {
        if let Some(managed) = self.accounts.get_mut(name) {
            managed.waiting.push(waiter);
        }
        self.answer_waiters(name);
    }

    pub(super) fn answer_waiters(&mut self, name: &AccountName) {
        let Some(managed) = self.accounts.get_mut(name) else { return };
        if managed.session.is_busy() {
            return;
        }
        for waiter in std::mem::take(&mut managed.waiting) {
            match waiter {
                Waiter::Refresh(goal, since, reply) => {
                    let outcome = self.refresh_outcome(name, goal, since);
                    match reply {
                        Some(reply) => drop(reply.send(outcome)),
                        None => self.answer_refresh(&outcome),
                    }
                }
                Waiter::Copy(request) => self.copy_now(name, request),
            }
        }
    }

    fn refresh_outcome(
        &self,
        name: &AccountName,
        goal: RefreshGoal,
        since: LastSuccess,
    ) -> Result<RefreshAnswer, Problem> {
        let managed = self.accounts.get(name).ok_or_else(|| self.unknown_account(name))?;
        let refreshed = since.is_followed_by(managed.session.last_success());
        let answer = RefreshAnswer { account: self.status_of(name)?, refreshed };
        let (now, min_valid) = match goal {
            RefreshGoal::ValidFor(min_valid) => (self.clock.now(), min_valid),
            RefreshGoal::Refreshed => (self.clock.now(), None),
        };
        let succeeded = match goal {
            RefreshGoal::ValidFor(_) => managed.session.lasts(min_valid, now, &self.policy),
            RefreshGoal::Refreshed => rests_after_success(managed),
        };
        if succeeded { Ok(answer) } else { Err(managed.session.why_no_token(name, min_valid, &self.policy)) }
    }

    /// Copies the access token, after a refresh if it does not last.
    pub(super) fn copy(&mut self, name: &AccountName, request: Option<CopyRequest>) {
        self.step(name, Event::TokenWanted { min_valid: None });
        self.wait_or_answer(name, Waiter::Copy(request));
    }

    fn copy_now(&mut self, name: &AccountName, request: Option<CopyRequest>) {
        let Some(managed) = self.accounts.get(name) else { return };
        let now = self.clock.now();
        let valid = managed.session.access_token().filter(|info| info.remaining(now).is_positive());
        let (Some(info), Some(token)) = (valid, managed.access_token.clone()) else {
            let problem = managed.session.why_no_token(name, None, &self.policy);
            return self.copied(name, request, Err(problem));
        };
        let cleared_after = self.configuration.settings.clear_clipboard_after.as_secs();
        let answer = CopyAnswer { expires_at: info.expires_at, cleared_after };
        let clipboard = Arc::clone(&self.clipboard);
        let once = self.configuration.settings.paste_once;
        let id = managed.id.clone();
        self.start(&id.clone(), async move {
            let copied = clipboard.lock().await.copy(&id, &token, Duration::from_secs(cleared_after), once).await;
            Some(JobResult::Copied(request, copied.map(|()| answer).map_err(|error| no_clipboard(&error))))
        });
    }

    pub(super) fn copied(
        &mut self,
        name: &AccountName,
        request: Option<CopyRequest>,
        result: Result<CopyAnswer, Problem>,
    ) {
        if let Err(problem) = &result {
            warn!(account = %name, "not copied: {problem}");
        }
        match request {
            Some(CopyRequest { caller, notify, reply }) => {
                self.note_answer(name, caller, &result);
                if notify {
                    self.answer_copy(name, &result);
                }
                let _ = reply.send(result);
            }
            None => self.answer_copy(name, &result),
        }
    }
}

const fn rests_after_success(managed: &ManagedAccount) -> bool {
    match managed.session.phase() {
        Phase::Scheduled { .. } => true,
        Phase::Opening { .. }
        | Phase::SignedOut
        | Phase::Requesting { .. }
        | Phase::BackingOff { .. }
        | Phase::AuthorizationRequired { .. }
        | Phase::ServerChanged(_) => false,
    }
}

fn no_clipboard(error: &impl std::fmt::Display) -> Problem {
    Problem::new(
        ProblemKind::NoClipboard,
        format!("Not copied: {error}."),
        "Use `evertoken token` instead, or run the agent in a desktop session.",
    )
}
