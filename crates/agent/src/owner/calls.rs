//! Answers the local API's calls. Reads come from memory.

use evertoken_core::account::AccountName;
use evertoken_core::account::approval::Caller;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountChange, AccountSettings, RefreshRequest, TokenAnswer};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::config::{Edit, Settings, SettingsChange};
use evertoken_core::login::session::Event;
use jiff::SignedDuration;

use super::Agent;
use super::held::{Asker, Waiting, Want};
use super::jobs::{ForgetReply, rename};
use super::logins::unknown;
use crate::local_api::{Call, Reply, Whose};

impl Agent {
    pub(super) fn call(&mut self, call: Call) {
        match call {
            Call::Status(reply) => drop(reply.send(Ok(self.report()))),
            Call::Token(whose, caller, min_valid, reply) => drop(reply.send(self.token(whose, caller, min_valid))),
            Call::Create(account, reply) => self.create(account, reply),
            Call::Change(whose, change, reply) => self.change(whose, change, reply),
            Call::Remove(whose, reply) => self.forget(whose, true, ForgetReply::Removed(reply)),
            Call::LogIn(whose, request, reply) => self.log_in(whose, request, reply),
            Call::SignIn(whose, way, request, follower) => self.sign_in(whose, way, request, follower),
            Call::ReplaceUser(whose, reply) => self.replace_user(whose, reply),
            Call::Refresh(whose, request, reply) => self.refresh(whose, request, reply),
            Call::Copy(whose, caller, reply) => {
                let admitted = self.named(whose).and_then(|name| self.admit(&name, &caller).map(|()| name));
                match admitted {
                    Ok(name) => self.copy(&name, Some(Asker { caller, reply })),
                    Err(problem) => drop(reply.send(Err(problem))),
                }
            }
            Call::Approve(whose, approval, reply) => drop(reply.send(self.approve(whose, &approval))),
            Call::Accesses(reply) => drop(reply.send(Ok(self.accesses()))),
            Call::LogOut(whose, reply) => self.forget(whose, false, ForgetReply::LoggedOut(reply)),
            Call::History(whose, reply) => drop(reply.send(self.history(whose))),
            Call::AccountSettings(whose, reply) => drop(reply.send(self.account_settings(whose))),
            Call::Settings(reply) => drop(reply.send(Ok(self.configuration.settings.clone()))),
            Call::ChangeSettings(change, reply) => drop(reply.send(self.change_settings(change))),
        }
    }

    fn token(&mut self, whose: Whose, caller: Caller, min_valid: Option<u64>) -> Result<TokenAnswer, Problem> {
        let name = self.named(whose)?;
        self.admit(&name, &caller)?;
        let answer = self.token_at_hand(&name, min_valid);
        self.note_answer(&name, caller, &answer);
        answer
    }

    fn token_at_hand(&self, name: &AccountName, min_valid: Option<u64>) -> Result<TokenAnswer, Problem> {
        let held = self.accounts.get(name).ok_or_else(|| unknown(name))?;
        let (now, asked) = (self.clock.now(), min_valid.map(seconds));
        match (held.session.access_token(), &held.access_token) {
            (Some(info), Some(token)) if held.session.lasts(asked, now, &self.policy) => Ok(TokenAnswer {
                account: name.clone(),
                access_token: token.expose().to_owned(),
                token_type: "Bearer".to_owned(),
                expires_at: info.expires_at,
                expires_in: info.remaining(now).as_secs(),
            }),
            (Some(_) | None, _) => Err(held.session.why_no_token(name, asked, now, &self.policy)),
        }
    }

    fn refresh(&mut self, whose: Whose, request: RefreshRequest, reply: Reply<AccountStatus>) {
        let name = match self.named(whose) {
            Ok(name) => name,
            Err(problem) => return drop(reply.send(Err(problem))),
        };
        let (want, event) = match request.min_valid {
            // 0 asks for what is usual, as a missing number does elsewhere.
            Some(asked) => {
                let min_valid = (asked > 0).then(|| seconds(asked));
                (Want::TokenThatLasts(min_valid), Event::TokenWanted { min_valid })
            }
            None => (Want::Refreshed, Event::RefreshRequested),
        };
        let Some(held) = self.accounts.get_mut(&name) else {
            return drop(reply.send(Err(unknown(&name))));
        };
        if want.is_refreshed() {
            held.store_nudge.notify_one();
        }
        // Not yet among those who wait: the step itself must not answer before it has begun anything.
        self.step(&name, event);
        self.wait_or_answer(&name, Waiting::Refresh(want, reply));
    }

    fn change(&mut self, whose: Whose, change: AccountChange, reply: Reply<AccountStatus>) {
        let prepared = self.named(whose).and_then(|name| {
            // What may be refused comes first: then nothing was changed.
            if let Some(to) = change.name.as_ref().filter(|to| **to != name) {
                self.refuse_taken(to)?;
            }
            if let Some(settings) = &change.settings {
                self.change_place(&name, settings.clone())?;
            }
            if change.default {
                self.configuration = self.file.edit(&Edit::SetDefault(name.clone()))?;
            }
            self.change_handing_out(&name, &change)?;
            Ok(name)
        });
        let name = match prepared {
            Ok(name) => name,
            Err(problem) => return drop(reply.send(Err(problem))),
        };
        match change.name {
            Some(to) if to != name => self.rename(&name, &to, reply),
            Some(_) | None => drop(reply.send(self.status_of(&name))),
        }
    }

    fn account_settings(&self, whose: Whose) -> Result<AccountSettings, Problem> {
        let name = self.named(whose)?;
        let held = self.accounts.get(&name).ok_or_else(|| unknown(&name))?;
        Ok(AccountSettings::from(&held.account))
    }

    fn rename(&mut self, name: &AccountName, to: &AccountName, reply: Reply<AccountStatus>) {
        let Some(from) = self.workplace(name) else { return drop(reply.send(Err(unknown(name)))) };
        let target = self.workplace_with(to, from.account.clone());
        self.start(name, rename(from, target, self.file.clone(), reply));
    }

    pub(super) fn refuse_taken(&self, name: &AccountName) -> Result<(), Problem> {
        if !self.configuration.accounts.contains_key(name) {
            return Ok(());
        }
        Err(taken(name))
    }

    pub(super) fn renamed(
        &mut self,
        name: &AccountName,
        to: &AccountName,
        result: Result<(), Problem>,
        reply: Reply<AccountStatus>,
    ) {
        let moved = result.and_then(|()| Ok(self.file.read()?));
        match moved {
            Ok(configuration) => {
                self.accounts.remove(name);
                // What was begun for either name is for another account now.
                for name in [name, to] {
                    self.sign_ins.remove(name);
                }
                if let Some(aside) = self.asides.remove(name) {
                    self.asides.insert(to.clone(), aside);
                }
                self.adopt(configuration);
                let _ = reply.send(self.status_of(to));
            }
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    fn change_settings(&mut self, change: SettingsChange) -> Result<Settings, Problem> {
        let configuration = self.file.edit(&Edit::ChangeSettings(change))?;
        self.adopt(configuration);
        Ok(self.configuration.settings.clone())
    }

    /// The account that is meant.
    pub(super) fn named(&self, whose: Whose) -> Result<AccountName, Problem> {
        match whose {
            Some(name) if self.accounts.contains_key(&name) => Ok(name),
            Some(name) => Err(unknown(&name)),
            None => self.implied(),
        }
    }

    pub(super) fn implied(&self) -> Result<AccountName, Problem> {
        let implied = self.configuration.implied_account().filter(|name| self.accounts.contains_key(name)).cloned();
        implied.ok_or_else(|| match self.accounts.is_empty() {
            true => Problem::new(
                ProblemKind::LoginRequired,
                "There is no account yet: nobody is logged in.",
                "Log in: `evertoken login`, or open the window.",
            ),
            false => Problem::new(
                ProblemKind::AccountNotNamed,
                "There are several accounts, and none is the default.",
                "Name one, or choose a default: `evertoken account default ACCOUNT`.",
            ),
        })
    }

    pub(super) fn status_of(&self, name: &AccountName) -> Result<AccountStatus, Problem> {
        self.report().accounts.into_iter().find(|account| account.name == *name).ok_or_else(|| unknown(name))
    }
}

/// The problem of a name that another account has.
pub(super) fn taken(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::AccountExists,
        format!("An account {name} exists already; nothing was changed."),
        "Choose another name.",
    )
}

/// Seconds, as far as a length of time can say.
fn seconds(number: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(number).unwrap_or(i64::MAX))
}
