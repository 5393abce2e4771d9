//! Logging in, logging out, and what becomes of the account meanwhile.

use std::collections::BTreeMap;

use evertoken_core::account::{Account, AccountName};
use evertoken_core::api::login_problem::login_problem;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountSettings, LoginRequest, LogoutAnswer, NewAccount};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::config::Edit;
use evertoken_core::login::rotation::Outcome;
use evertoken_core::login::session::{Effect, Event, Phase};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::failure::{AnotherUser, Failure};
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::revocation::Revocation;
use evertoken_core::oauth::token::{Fingerprint, RefreshToken};
use evertoken_core::oauth::token_response::{read_credential, user_id_in};
use evertoken_core::present::notification::{Notice, NoticeKind};
use secrecy::{ExposeSecret, SecretString};
use tracing::warn;

use super::account_settings::{NOT_LOGGED_IN, handing_out_of, invalid, issuer_of, resolve};
use super::jobs::{Discovered, ForgetReply, LoginOutcome, Then, find_endpoints, log_in, take};
use super::logout::forget;
use super::{Agent, held::Held};
use crate::local_api::{Reply, Whose};
use crate::rotation::Given;

/// The account that a first log-in makes when nobody names it.
const FIRST_ACCOUNT: &str = "default";

/// What a person gave, and whose it says that it is.
pub(super) struct Login {
    pub(super) given: Given,
    pub(super) user_id: Option<String>,
}

impl Agent {
    pub(super) fn log_in(&mut self, whose: Whose, request: LoginRequest, reply: Reply<AccountStatus>) {
        let LoginRequest { credential, settings, client_secret, replace_user } = request;
        let settings = settings.unwrap_or_default();
        let prepared = given(&credential, client_secret).and_then(|mut given| {
            let name = self.account_to_log_in(whose)?;
            given.user_id = self.expected_user(&name, replace_user);
            let login = Login { given, user_id: user_id_in(&credential) };
            Ok((login, name, issuer_of(&settings)?))
        });
        if let (true, Ok((login, name, _))) = (replace_user, &prepared)
            && let Some(token) = &login.given.refresh_token
            && let Some(aside) = self.take_aside_of(name, token.fingerprint())
        {
            return self.keep_aside(name, aside, reply);
        }
        match prepared {
            // Nothing is changed before the issuer has named its endpoints.
            Ok((login, name, Some(issuer))) => {
                self.start(&name, find_endpoints(issuer, name.clone(), settings, Then::LogIn(login, reply)));
            }
            Ok((login, name, None)) => self.log_in_at(&name, settings, None, login, reply),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    pub(super) fn account_to_log_in(&self, whose: Whose) -> Result<AccountName, Problem> {
        match whose {
            Some(name) => Ok(name),
            None if self.configuration.accounts.is_empty() => first_account(),
            None => self.implied(),
        }
    }

    fn log_in_at(
        &mut self,
        name: &AccountName,
        settings: AccountSettings,
        metadata: Option<Metadata>,
        login: Login,
        reply: Reply<AccountStatus>,
    ) {
        let before = self.configuration.accounts.get(name);
        match resolve(NOT_LOGGED_IN, before, settings, metadata, login.given.client_secret.is_some()) {
            Ok(account) => self.keep_or_ask(name, account, login, reply),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// Keeps the login of the account's own user. Another user's waits, not sent anywhere, for a person's answer.
    pub(super) fn keep_or_ask(
        &mut self,
        name: &AccountName,
        account: Account,
        login: Login,
        reply: Reply<AccountStatus>,
    ) {
        let Login { given, user_id } = login;
        let Some(fingerprint) = given.refresh_token.as_ref().map(RefreshToken::fingerprint) else { return };
        match AnotherUser::between(given.user_id.as_deref(), user_id.as_deref()) {
            Some(users) => {
                self.set_aside(name, account, Given { user_id: None, ..given }, fingerprint);
                drop(reply.send(Err(login_problem(name, &Failure::AnotherUser(users)))));
            }
            None => self.keep_login(name, account, given, fingerprint, reply),
        }
    }

    /// Proves a refresh token, and keeps it.
    pub(super) fn keep_login(
        &mut self,
        name: &AccountName,
        account: Account,
        given: Given,
        fingerprint: Fingerprint,
        reply: Reply<AccountStatus>,
    ) {
        let is_new = !self.configuration.accounts.contains_key(name);
        if let Err(problem) = self.write_down(name, &account) {
            if given.held_for.is_some() {
                self.set_aside(name, account, given, fingerprint);
            }
            return drop(reply.send(Err(problem)));
        }
        if let Some(held) = self.accounts.get_mut(name) {
            held.log_ins += 1;
        }
        let place = self.workplace_with(name, account);
        self.start(name, log_in(place, given, fingerprint, is_new, reply, self.finished.clone()));
    }

    pub(super) fn discovered(&mut self, name: AccountName, discovered: Discovered, gone: Option<Problem>) {
        let Discovered { settings, result, then } = discovered;
        let result = gone.map_or(result, Err);
        match (result, then) {
            // Whoever waits hears that the agent is ending.
            _ if self.ending => {}
            (Ok(metadata), Then::LogIn(login, reply)) => self.log_in_at(&name, settings, Some(metadata), login, reply),
            (Ok(metadata), Then::Create(reply)) => drop(reply.send(self.create_at(name, settings, Some(metadata)))),
            (Ok(metadata), Then::SignIn(by)) => self.sign_in_at(&name, settings, Some(metadata), by),
            (Err(problem), Then::LogIn(_, reply) | Then::Create(reply)) => drop(reply.send(Err(problem))),
            (Err(problem), Then::SignIn(by)) => by.ends(problem),
        }
    }

    /// The account is written down before anything is sent, so that a crash in the middle leaves a login that
    /// the next start finds.
    fn write_down(&mut self, name: &AccountName, account: &Account) -> Result<(), Problem> {
        if self.configuration.accounts.get(name) != Some(account) {
            self.configuration = self.file.edit(&Edit::PutAccount(name.clone(), Box::new(account.clone())))?;
        }
        Ok(())
    }

    pub(super) fn logged_in(&mut self, name: &AccountName, outcome: LoginOutcome) {
        let LoginOutcome { is_new, account, fingerprint, exchanged, reply } = outcome;
        if let Some(held) = self.accounts.get_mut(name) {
            held.log_ins = held.log_ins.saturating_sub(1);
        }
        if let Some(given) = exchanged.set_aside {
            self.set_aside(name, account.clone(), given, fingerprint);
        }
        let result = match exchanged.outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                self.asides.remove(name);
                // What a person decided meanwhile stays. And what is stored is found by the next start, also if the account
                // was changed, renamed or removed while the log-in waited for its turn.
                let account = handing_out_of(self.configuration.accounts.get(name), account);
                if let Err(problem) = self.write_down(name, &account) {
                    warn!(account = %name, "the account's settings could not be written down: {problem}");
                }
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
                self.undo_account(name, is_new);
                Err(login_problem(name, &failure))
            }
            Outcome::Reverted => Err(login_problem(name, &Failure::Journal)),
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

    /// The settings of the login that is here are written down again. An account that was made for the log-in goes.
    fn undo_account(&mut self, name: &AccountName, is_new: bool) {
        let edit = match self.accounts.get(name).map(|held| &held.account) {
            Some(account) if self.configuration.accounts.get(name) == Some(account) => return,
            Some(account) => Edit::PutAccount(name.clone(), Box::new(account.clone())),
            None if is_new => Edit::RemoveAccount(name.clone()),
            // It was renamed or removed meanwhile.
            None => return,
        };
        match self.file.edit(&edit) {
            Ok(configuration) => self.configuration = configuration,
            Err(error) => warn!(account = %name, "the account's settings could not be put back: {error}"),
        }
    }

    pub(super) fn create(&mut self, new: NewAccount, reply: Reply<AccountStatus>) {
        let NewAccount { name, settings } = new;
        match issuer_of(&settings) {
            Ok(Some(issuer)) => {
                self.start(&name, find_endpoints(issuer, name.clone(), settings, Then::Create(reply)));
            }
            Ok(None) => drop(reply.send(self.create_at(name, settings, None))),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    fn create_at(
        &mut self,
        name: AccountName,
        settings: AccountSettings,
        metadata: Option<Metadata>,
    ) -> Result<AccountStatus, Problem> {
        self.refuse_taken(&name)?;
        let account = resolve("No account was made", None, settings, metadata, false)?;
        self.configuration = self.file.edit(&Edit::PutAccount(name.clone(), Box::new(account)))?;
        self.hold(&name);
        self.status_of(&name)
    }

    /// Changes how an account refreshes. Headers and client id are what `settings` says; what else it leaves out stays.
    pub(super) fn change_place(&mut self, name: &AccountName, settings: AccountSettings) -> Result<(), Problem> {
        let held = self.accounts.get(name).ok_or_else(|| unknown(name))?;
        if held.log_ins > 0 {
            let advice = "Wait until the log-in of this account has ended, then change it.";
            return Err(invalid(format!("A log-in of {name} is under way; nothing was changed."), advice));
        }
        let bare = Account { headers: BTreeMap::new(), client_id: None, ..held.account.clone() };
        if settings.issuer.is_some() {
            return Err(invalid(
                "Nothing was changed: an issuer is asked at a log-in.",
                "Use `evertoken login ACCOUNT --issuer URL`.",
            ));
        }
        let changed = resolve("Nothing was changed", Some(&bare), settings, None, false)?;
        let is_signed_out = matches!(held.session.phase(), Phase::SignedOut);
        if !is_signed_out && !changed.endpoint.has_same_origin(&held.account.endpoint) {
            return Err(elsewhere(name, &held.account));
        }
        self.edit_account(name, |account| account.clone_from(&changed))
    }

    pub(super) fn forget(&mut self, whose: Whose, remove: bool, reply: ForgetReply) {
        let place = self.named(whose).and_then(|name| {
            if remove {
                self.refuse_while_logged_in(&name)?;
            }
            self.workplace(&name).ok_or_else(|| unknown(&name))
        });
        match place {
            Ok(place) => {
                let name = place.name.clone();
                let incarnation = self.accounts.get(&name).map_or(0, |held| held.incarnation);
                self.start(&name, forget(place, incarnation, remove, reply, self.finished.clone()));
            }
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
        result: Result<Option<Revocation>, Problem>,
        reply: ForgetReply,
    ) {
        let removed = result.and_then(|revocation| {
            if remove {
                self.remove(name)?;
            }
            Ok(revocation)
        });
        match (removed, reply) {
            (Err(problem), reply) => reply.refuse(problem),
            (Ok(revocation), ForgetReply::LoggedOut(reply)) => {
                let answer = self.status_of(name).map(|account| LogoutAnswer { account, revocation });
                drop(reply.send(answer));
            }
            (Ok(_), ForgetReply::Removed(reply)) => drop(reply.send(Ok(()))),
        }
    }

    fn remove(&mut self, name: &AccountName) -> Result<(), Problem> {
        self.configuration = self.file.edit(&Edit::RemoveAccount(name.clone()))?;
        self.accounts.remove(name);
        self.asides.remove(name);
        self.sign_ins.remove(name);
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

fn given(credential: &str, client_secret: Option<String>) -> Result<Given, Problem> {
    let refresh_token = read_credential(credential).map_err(|error| {
        invalid(format!("Not logged in: {error}."), "Paste the refresh token, or the whole token response.")
    })?;
    Ok(Given {
        refresh_token: Some(refresh_token),
        client_secret: self::client_secret(client_secret)?,
        user_id: None,
        held_for: None,
    })
}

pub(super) fn client_secret(given: Option<String>) -> Result<Option<ClientSecret>, Problem> {
    let read = given.map(SecretString::from).map(|text| ClientSecret::read(text.expose_secret()));
    read.transpose()
        .map_err(|error| invalid(format!("Not logged in: {error}."), "Give the client secret alone, in one line."))
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

/// The problem of a name that no account has.
pub(super) fn unknown(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::UnknownAccount,
        format!("There is no account {name}."),
        "`evertoken account list` shows the accounts; `evertoken login` makes one.",
    )
}
