//! Answers the local API's calls. Reads come from memory.

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::{Caller, Permission};
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{RefreshAnswer, RefreshRequest, TokenAnswer};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::session::Event;
use jiff::SignedDuration;

use super::account::{CopyRequest, LastSuccess, ManagedAccount, RefreshGoal, Waiter};
use super::agent::Agent;
use super::finished::ForgetReply;
use crate::request::{AccountRef, Call, Reply};

impl Agent {
    pub(super) fn call(&mut self, call: Call) {
        match call {
            Call::Status(reply) => drop(reply.send(Ok(self.report()))),
            Call::Metrics(reply) => drop(reply.send(Ok(self.metrics()))),
            Call::Token(account, caller, min_valid, reply) => drop(reply.send(self.token(account, caller, min_valid))),
            Call::Create(account, reply) => self.create(account, reply),
            Call::Change(account, change, reply) => self.change(account, change, reply),
            Call::Remove(account, reply) => self.forget(account, true, ForgetReply::Removed(reply)),
            Call::LogIn(account, request, reply) => self.log_in(account, request, reply),
            Call::SignIn(account, method, request, events) => self.sign_in(account, method, request, events),
            Call::Callback(account, request, reply) => self.callback(&account, request, reply),
            Call::ReplaceUser(account, request, reply) => self.replace_user(account, request, reply),
            Call::Refresh(account, request, reply) => match self.resolve(account) {
                Ok(name) => self.refresh(&name, request, Some(reply)),
                Err(problem) => drop(reply.send(Err(problem))),
            },
            Call::Copy(account, caller, notify, reply) => {
                let admitted = self.resolve(account).and_then(|name| self.admit(&name, &caller).map(|()| name));
                match admitted {
                    Ok(name) => self.copy(&name, Some(CopyRequest { caller, notify, reply })),
                    Err(problem) => drop(reply.send(Err(problem))),
                }
            }
            Call::Approve(account, approval, reply) => drop(reply.send(self.approve(account, &approval))),
            Call::Accesses(reply) => drop(reply.send(Ok(self.accesses()))),
            Call::LogOut(account, reply) => self.forget(account, false, ForgetReply::LoggedOut(reply)),
            Call::History(account, reply) => self.history(account, reply),
            Call::AccountSettings(account, reply) => drop(reply.send(self.account_settings(account))),
            Call::Settings(reply) => self.settings_in_effect(reply),
            Call::InUse(reply) => drop(reply.send(Ok(self.in_use()))),
            Call::TokenFilesKept(reply) => self.token_files.when_kept(reply),
            Call::ChangeSettings(change, reply) => drop(reply.send(self.change_settings(change))),
        }
    }

    /// Looks for the account once: among ten thousand that is what a read costs more than among few.
    fn token(&mut self, account: AccountRef, caller: Caller, min_valid: Option<u64>) -> Result<TokenAnswer, Problem> {
        let name = account.map_or_else(|| self.default_account(), Ok)?;
        let managed = self.account(&name).ok_or_else(|| self.unknown_account(&name))?;
        let permission = managed.permission(&caller);
        if permission != Permission::Allowed {
            return Err(self.refused(&name, &caller, permission));
        }
        let answer = self.token_at_hand(&name, managed, min_valid);
        self.note_answer(&name, caller, &answer);
        answer
    }

    fn token_at_hand(
        &self,
        name: &AccountName,
        managed: &ManagedAccount,
        min_valid: Option<u64>,
    ) -> Result<TokenAnswer, Problem> {
        let (now, asked) = (self.clock.now(), min_valid.map(seconds));
        match (managed.session.access_token(), &managed.access_token) {
            (Some(info), Some(token)) if managed.session.lasts(asked, now, &self.policy) => Ok(TokenAnswer {
                account: name.clone(),
                access_token: token.expose().to_owned(),
                token_type: "Bearer".to_owned(),
                expires_at: info.expires_at,
                expires_in: info.remaining(now).as_secs(),
                identity: Some(managed.identity().clone()),
            }),
            (Some(_) | None, _) => Err(managed.session.why_no_token(name, asked, &self.policy)),
        }
    }

    /// Without a reply, a person clicked.
    pub(super) fn refresh(&mut self, name: &AccountName, request: RefreshRequest, reply: Option<Reply<RefreshAnswer>>) {
        let (goal, event) = match request.min_valid {
            // 0 asks for what is usual, as a missing number does elsewhere.
            Some(asked) => {
                let min_valid = (asked > 0).then(|| seconds(asked));
                (RefreshGoal::ValidFor(min_valid), Event::TokenWanted { min_valid })
            }
            None => (RefreshGoal::Refreshed, Event::RefreshRequested),
        };
        if let (RefreshGoal::Refreshed, Some(managed)) = (goal, self.account(name)) {
            managed.retry_store.notify_one();
        }
        let before = self.account(name).and_then(|managed| managed.session.last_success());
        let since = LastSuccess { before, asked_at: self.clock.now() };
        // Not yet among those who wait: the step itself must not answer before it has begun anything.
        self.step(name, event);
        self.wait_or_answer(name, Waiter::Refresh(goal, since, reply));
    }

    pub(super) fn status_of(&self, name: &AccountName) -> Result<AccountStatus, Problem> {
        let managed = self.account(name).ok_or_else(|| self.unknown_account(name))?;
        Ok(self.account_status(name, managed))
    }
}

/// Seconds, as far as a length of time can say.
fn seconds(number: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(number).unwrap_or(i64::MAX))
}
