//! Sign-ins that bring their tokens themselves, and logins that wait because they belong to another user.

use std::time::{Duration, Instant};

use evertoken_core::account::{Account, AccountName, SignInWay};
use evertoken_core::api::login_problem::ANOTHER_USER_WAITS;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountSettings, SignInEvent, SignInRequest};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::token::{Fingerprint, RefreshToken};
use tokio::sync::oneshot;
use tracing::info;

use super::Agent;
use super::account_settings::{NOT_LOGGED_IN, handing_out_of, issuer_of, resolve};
use super::jobs::{Finished, JobResult, Then, find_endpoints};
use super::logins::{Login, client_secret};
use crate::local_api::{Reply, Whose};
use crate::login::{Follower, Obtained, sign_in};
use crate::rotation::Given;

/// How long the login of another user waits for a person's answer, in memory.
const WAITS: Duration = Duration::from_secs(60 * ANOTHER_USER_WAITS);

/// What a sign-in goes by.
pub(super) struct SignIn {
    way: SignInWay,
    client_secret: Option<ClientSecret>,
    replace_user: bool,
    follower: Follower,
}

/// A sign-in that is over.
pub(super) struct SignedIn {
    sign_in: SignIn,
    account: Account,
    obtained: Result<Obtained, Problem>,
}

/// A login of another user than the account's.
pub(super) struct Aside {
    account: Account,
    given: Given,
    /// Of the refresh token that was given for it.
    fingerprint: Fingerprint,
    since: Instant,
}

impl Agent {
    pub(super) fn sign_in(&mut self, whose: Whose, way: SignInWay, request: SignInRequest, follower: Follower) {
        let SignInRequest { settings, client_secret: secret, replace_user } = request;
        let settings = settings.unwrap_or_default();
        let prepared = client_secret(secret).and_then(|client_secret| {
            let sign_in = SignIn { way, client_secret, replace_user, follower: follower.clone() };
            Ok((sign_in, self.account_to_log_in(whose)?, issuer_of(&settings)?))
        });
        match prepared {
            Ok((sign_in, name, Some(issuer))) => {
                self.start(&name, find_endpoints(issuer, name.clone(), settings, Then::SignIn(sign_in)));
            }
            Ok((sign_in, name, None)) => self.sign_in_at(&name, settings, None, sign_in),
            Err(problem) => drop(follower.send(SignInEvent::Problem(problem))),
        }
    }

    /// The account's settings are written down when the tokens are there: until then its login goes on with its own.
    pub(super) fn sign_in_at(
        &mut self,
        name: &AccountName,
        settings: AccountSettings,
        metadata: Option<Metadata>,
        by: SignIn,
    ) {
        // While its issuer was asked, whoever followed may have gone and begun another.
        if by.follower.is_closed() {
            return;
        }
        let before = self.configuration.accounts.get(name);
        let account = match resolve(NOT_LOGGED_IN, before, settings, metadata, by.client_secret.is_some()) {
            Ok(account) => account,
            Err(problem) => return by.ends(problem),
        };
        let (wanted, is_wanted) = oneshot::channel();
        // One at a time: an earlier one of the same account ends here.
        self.sign_ins.insert(name.clone(), wanted);
        let place = self.workplace_with(name, account.clone());
        self.start(name, async move {
            let obtained = sign_in(by.way, place, by.client_secret.clone(), by.follower.clone(), is_wanted).await;
            let obtained = obtained.unwrap_or_else(|| Err(given_up()));
            Some(JobResult::SignedIn(Box::new(SignedIn { sign_in: by, account, obtained })))
        });
    }

    pub(super) fn signed_in(&mut self, name: &AccountName, signed_in: SignedIn, gone: Option<Problem>) {
        let SignedIn { sign_in, account, obtained } = signed_in;
        let Obtained { refresh_token, user_id } = match gone.map_or(obtained, Err) {
            Ok(obtained) => obtained,
            Err(problem) => {
                info!(account = %name, "{problem}");
                return sign_in.ends(problem);
            }
        };
        let client_secret = sign_in.client_secret.clone();
        let expected = self.expected_user(name, sign_in.replace_user);
        let given = Given { refresh_token: Some(refresh_token), client_secret, user_id: expected, held_for: None };
        let (reply, answer) = oneshot::channel();
        tokio::spawn(async move {
            let event = match answer.await {
                Ok(Ok(status)) => SignInEvent::Done(Box::new(status)),
                Ok(Err(problem)) => SignInEvent::Problem(problem),
                Err(_) => SignInEvent::Problem(given_up()),
            };
            let _ = sign_in.follower.send(event);
        });
        self.keep_or_ask(name, account, Login { given, user_id }, reply);
    }

    /// The only user whose login may be kept without a question.
    pub(super) fn expected_user(&self, name: &AccountName, replace_user: bool) -> Option<String> {
        let session = self.accounts.get(name).map(|held| &held.session).filter(|_| !replace_user)?;
        session.access_token()?.user_id.clone()
    }

    /// Keeps the login of another user until a person has answered, or for a while.
    pub(super) fn set_aside(&mut self, name: &AccountName, account: Account, given: Given, fingerprint: Fingerprint) {
        let since = Instant::now();
        let fingerprint = given.held_for.unwrap_or(fingerprint);
        self.asides.insert(name.clone(), Aside { account, given, fingerprint, since });
        let (name, finished) = (name.clone(), self.finished.clone());
        tokio::spawn(async move {
            tokio::time::sleep(WAITS).await;
            let _ = finished.send(Finished::so_far(name, 0, JobResult::AsideExpired));
        });
    }

    pub(super) fn forget_expired_asides(&mut self) {
        self.asides.retain(|_, aside| aside.since.elapsed() < WAITS);
    }

    /// A person said yes: the login that waits takes the account.
    pub(super) fn replace_user(&mut self, whose: Whose, reply: Reply<AccountStatus>) {
        let aside = self.named(whose).map(|name| (self.asides.remove(&name), name));
        match aside {
            Ok((Some(aside), name)) => self.keep_aside(&name, aside, reply),
            Ok((None, name)) => drop(reply.send(Err(Problem::new(
                ProblemKind::InvalidInput,
                format!("{name}: no login of another user waits; nothing was changed."),
                "Log in again, with --replace-user.",
            )))),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// The login that waits, if it is what this credential brought. One that was not sent yet goes where it is to go now.
    pub(super) fn take_aside_of(&mut self, name: &AccountName, fingerprint: Fingerprint) -> Option<Aside> {
        self.asides.get(name).filter(|aside| aside.fingerprint == fingerprint)?;
        self.asides.remove(name).filter(|aside| {
            let waiting = aside.given.refresh_token.as_ref().map(RefreshToken::fingerprint);
            waiting != Some(fingerprint)
        })
    }

    pub(super) fn keep_aside(&mut self, name: &AccountName, aside: Aside, reply: Reply<AccountStatus>) {
        let Aside { account, given, fingerprint: gave, .. } = aside;
        let given = Given { held_for: Some(gave), ..given };
        let Some(fingerprint) = given.refresh_token.as_ref().map(RefreshToken::fingerprint) else { return };
        let account = handing_out_of(self.configuration.accounts.get(name), account);
        self.keep_login(name, account, given, fingerprint, reply);
    }
}

impl SignIn {
    /// Tells whoever follows why there is no login.
    pub(super) fn ends(&self, problem: Problem) {
        let _ = self.follower.send(SignInEvent::Problem(problem));
    }
}

fn given_up() -> Problem {
    Problem::new(
        ProblemKind::Failed,
        "The sign-in was given up, because another one of the account began or the agent ends; nothing was changed.",
        "Sign in again.",
    )
}
