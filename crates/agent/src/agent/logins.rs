//! Logging in, logging out, and what becomes of the account meanwhile.

use std::collections::BTreeMap;

use evertoken_core::account::{Account, AccountName, Preset, check_header};
use evertoken_core::api::{AccountSettings, LoginRequest, NewAccount};
use evertoken_core::config::Edit;
use evertoken_core::login::login_problem;
use evertoken_core::notice::{Notice, NoticeKind};
use evertoken_core::problem::{Problem, ProblemKind};
use evertoken_core::rotation::Outcome;
use evertoken_core::session::{Effect, Event, Phase};
use evertoken_core::status::AccountStatus;
use evertoken_core::token_response::read_credential;
use tracing::warn;

use super::jobs::{ForgetReply, LoginOutcome, forget, log_in, take};
use super::{Agent, held::Held};
use crate::local_api::{Reply, Whose};

/// The account that a first log-in makes when nobody names it.
const FIRST_ACCOUNT: &str = "default";

impl Agent {
    pub(super) fn log_in(&mut self, whose: Whose, request: LoginRequest, reply: Reply<AccountStatus>) {
        let token = match read_credential(&request.credential) {
            Ok(token) => token,
            Err(error) => {
                let problem = invalid(
                    format!("Not logged in: {error}."),
                    "Paste the refresh token, or the whole token response.",
                );
                return drop(reply.send(Err(problem)));
            }
        };
        match self.prepare_account(whose, request.settings.unwrap_or_default()) {
            Ok((name, before, account)) => {
                let place = self.workplace_with(&name, account);
                let job = log_in(place, token, before, reply, self.finished.clone());
                self.start(&name, job);
            }
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// The account is written down before anything is sent, so that a crash in the middle leaves a login that
    /// the next start finds.
    fn prepare_account(
        &mut self,
        whose: Whose,
        settings: AccountSettings,
    ) -> Result<(AccountName, Option<Account>, Account), Problem> {
        let name = match whose {
            Some(name) => name,
            None if self.configuration.accounts.is_empty() => first_account()?,
            None => self.implied()?,
        };
        let before = self.configuration.accounts.get(&name).cloned();
        let account = resolve(before.as_ref(), settings, "Not logged in")?;
        if before.as_ref() != Some(&account) {
            self.configuration = self.file.edit(&Edit::PutAccount(name.clone(), account.clone()))?;
        }
        Ok((name, before, account))
    }

    pub(super) fn logged_in(&mut self, name: &AccountName, outcome: LoginOutcome) {
        let LoginOutcome { before, account, exchanged, reply } = outcome;
        let result = match exchanged.outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                self.incarnations += 1;
                let incarnation = self.incarnations;
                let held = self.accounts.entry(name.clone()).or_insert_with(|| Held::new(account.clone(), incarnation));
                held.account = account;
                held.access_token = exchanged.access_token;
                held.newest = exchanged.newest;
                self.step(name, Event::AuthorizationGranted(tokens));
                self.effect(name, Effect::Withdraw(NoticeKind::KeychainRefused));
                self.status_of(name)
            }
            Outcome::Failed(failure) => {
                self.undo_account(name, before);
                Err(login_problem(name, &failure))
            }
            Outcome::Reverted => Err(login_problem(name, &evertoken_core::failure::Failure::Journal)),
        };
        if let Some(reply) = take(&reply) {
            let _ = reply.send(result);
        }
    }

    pub(super) fn login_store_delayed(&mut self, name: &AccountName) {
        if !self.accounts.contains_key(name) {
            self.hold(name);
        }
        self.effect(name, Effect::Notify(Notice::KeychainRefused));
    }

    fn undo_account(&mut self, name: &AccountName, before: Option<Account>) {
        let edit = match before {
            Some(account) if self.configuration.accounts.get(name) == Some(&account) => return,
            Some(account) => Edit::PutAccount(name.clone(), account),
            None if self.accounts.contains_key(name) => return,
            None => Edit::RemoveAccount(name.clone()),
        };
        match self.file.edit(&edit) {
            Ok(configuration) => self.configuration = configuration,
            Err(error) => warn!(account = %name, "the account's settings could not be put back: {error}"),
        }
    }

    pub(super) fn create(&mut self, new: NewAccount) -> Result<AccountStatus, Problem> {
        self.refuse_taken(&new.name)?;
        let account = resolve(None, new.settings, "No account was made")?;
        self.configuration = self.file.edit(&Edit::PutAccount(new.name.clone(), account))?;
        self.hold(&new.name);
        self.status_of(&new.name)
    }

    /// Changes how an account refreshes. What `settings` leaves out is gone, but for the endpoint and the encoding.
    pub(super) fn change_place(&mut self, name: &AccountName, settings: AccountSettings) -> Result<(), Problem> {
        let held = self.accounts.get(name).ok_or_else(|| unknown(name))?;
        let bare = Account { headers: BTreeMap::new(), client_id: None, ..held.account.clone() };
        let changed = resolve(Some(&bare), settings, "Nothing was changed")?;
        let is_signed_out = matches!(held.session.phase(), Phase::SignedOut);
        if !is_signed_out && !changed.endpoint.has_same_origin(&held.account.endpoint) {
            return Err(elsewhere(name, &held.account));
        }
        self.edit_account(name, |account| *account = changed)
    }

    pub(super) fn forget(&mut self, whose: Whose, remove: bool, reply: ForgetReply) {
        let place = self.named(whose).and_then(|name| {
            if remove {
                self.refuse_while_logged_in(&name)?;
            }
            self.workplace(&name).ok_or_else(|| unknown(&name))
        });
        match place {
            Ok(place) => self.start(&place.name.clone(), forget(place, remove, reply)),
            Err(problem) => reply.refuse(problem),
        }
    }

    /// Logging out is the only thing that deletes a refresh token.
    fn refuse_while_logged_in(&self, name: &AccountName) -> Result<(), Problem> {
        let held = self.accounts.get(name).ok_or_else(|| unknown(name))?;
        match held.session.phase() {
            Phase::SignedOut => Ok(()),
            Phase::Opening { .. }
            | Phase::Scheduled { .. }
            | Phase::Requesting { .. }
            | Phase::BackingOff { .. }
            | Phase::AuthorizationRequired { .. } => Err(Problem::new(
                ProblemKind::InvalidInput,
                format!("{name} is still logged in; nothing was changed."),
                format!("Log out first: `evertoken logout {name}`."),
            )),
        }
    }

    pub(super) fn forgotten(
        &mut self,
        name: &AccountName,
        remove: bool,
        result: Result<(), Problem>,
        reply: ForgetReply,
    ) {
        if let Err(problem) = result {
            return reply.refuse(problem);
        }
        self.step(name, Event::LogoutRequested);
        let removed = if remove { self.remove(name) } else { Ok(()) };
        match (removed, reply) {
            (Err(problem), reply) => reply.refuse(problem),
            (Ok(()), ForgetReply::LoggedOut(reply)) => drop(reply.send(self.status_of(name))),
            (Ok(()), ForgetReply::Removed(reply)) => drop(reply.send(Ok(()))),
        }
    }

    fn remove(&mut self, name: &AccountName) -> Result<(), Problem> {
        self.configuration = self.file.edit(&Edit::RemoveAccount(name.clone()))?;
        self.accounts.remove(name);
        Ok(())
    }
}

impl ForgetReply {
    fn refuse(self, problem: Problem) {
        match self {
            Self::LoggedOut(reply) => drop(reply.send(Err(problem))),
            Self::Removed(reply) => drop(reply.send(Err(problem))),
        }
    }
}

fn first_account() -> Result<AccountName, Problem> {
    FIRST_ACCOUNT.parse().map_err(|error: evertoken_core::account::InvalidAccountName| invalid(error.to_string(), ""))
}

/// The account as it was, changed by what was asked for.
fn resolve(before: Option<&Account>, settings: AccountSettings, refusal: &str) -> Result<Account, Problem> {
    let AccountSettings { preset, endpoint, encoding, headers, client_id } = settings;
    let chosen = endpoint.or_else(|| preset.map(|preset| preset.endpoint().to_owned()));
    let endpoint = match (chosen, before) {
        (Some(text), _) => text.parse().map_err(|error: evertoken_core::account::InvalidEndpoint| {
            invalid(format!("{refusal}: {error}."), "Check the endpoint; nothing was sent and nothing was changed.")
        })?,
        (None, Some(before)) => before.endpoint.clone(),
        (None, None) => Preset::Production
            .endpoint()
            .parse()
            .map_err(|error: evertoken_core::account::InvalidEndpoint| invalid(error.to_string(), ""))?,
    };
    for (name, value) in &headers {
        check_header(name, value)
            .map_err(|error| invalid(format!("{refusal}: {error}."), "Nothing was sent and nothing was changed."))?;
    }
    let before = before.cloned().unwrap_or_else(|| Account::new(endpoint.clone()));
    Ok(Account {
        endpoint,
        encoding: encoding.unwrap_or(before.encoding),
        headers: if headers.is_empty() { before.headers } else { headers },
        client_id: client_id.or(before.client_id),
        ..before
    })
}

/// A refresh token is for the server that issued it: whoever may change settings must not have it sent elsewhere.
fn elsewhere(name: &AccountName, account: &Account) -> Problem {
    invalid(
        format!(
            "The login of {name} belongs to {}; it is not sent to another server, and nothing was changed.",
            account.endpoint.host()
        ),
        &format!("Log out first, or log in there: `evertoken login {name} --endpoint URL`."),
    )
}

fn invalid(detail: impl Into<String>, advice: &str) -> Problem {
    Problem::new(ProblemKind::InvalidInput, detail, advice)
}

/// The problem of a name that no account has.
pub(super) fn unknown(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::UnknownAccount,
        format!("There is no account {name}."),
        "`evertoken account list` shows the accounts; `evertoken login` makes one.",
    )
}
