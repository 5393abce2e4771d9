//! Carries a [`Flow`] out.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evertoken_core::account::Account;
use evertoken_core::api::login_problem::{login_problem, login_store_delayed, unproven_sign_in_problem};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::AccountSettings;
use evertoken_core::api::status::AccountStatus;
use evertoken_core::keychain::KeychainProblem;
use evertoken_core::login::flow::{Answer, Flow, Outcome, Question, Step};
use evertoken_core::login::rotation::{self, Purpose};
use evertoken_core::login::session::TokensInfo;
use evertoken_core::login::token_store::{Credential, LogIn};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::failure::{Failure, OutcomeUnknown};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::metadata::Metadata;
use evertoken_core::oauth::origin::Origin;
use evertoken_core::oauth::server::{Server, SignInMethod};
use evertoken_core::oauth::token::{AccessToken, Fingerprint};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::browser::Pasted;
use super::listener::Listener;
use super::obtain::{Obtained, Ours, obtain};
use super::resolve::{NOT_LOGGED_IN, resolve};
use super::spent::{OtherAccount, refuse_spent};
use crate::http::discovery::discover;
use crate::request::Reply;
use crate::rotation::{AccountContext, Rotated, SlottedToken, rotate};

/// Between the code's exchange and a sign-in's first refresh, and before that is tried again. Servers that make the same JWT
/// twice in a second fail at the second.
const APART: Duration = Duration::from_secs(1);

/// One log-in, before it begins.
pub(crate) struct LogInJob {
    pub(crate) account: AccountContext,
    /// The account as it is configured.
    pub(crate) before: Option<Account>,
    pub(crate) settings: AccountSettings,
    /// The server, unless its issuer has to be asked first.
    pub(crate) server: Option<Server>,
    /// What a person gave; a sign-in brings it.
    pub(crate) credential: Option<Credential>,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) flow: Flow,
    pub(crate) listener: Listener,
    pub(crate) others: Vec<OtherAccount>,
    /// What a person answers to a question. It is closed when the log-in is to end.
    pub(crate) answers: mpsc::UnboundedReceiver<PersonsAnswer>,
    /// What a person brings from a browser on another machine.
    pub(crate) pasted: mpsc::UnboundedReceiver<Pasted>,
}

/// What a person says to the login of another user.
pub(crate) enum PersonsAnswer {
    /// It may take the account.
    Yes(Reply<AccountStatus>),
    /// Another login did.
    No,
}

/// What the owner hears of a log-in.
pub(crate) enum LogInReport {
    /// A person is asked about this login.
    Asked(Fingerprint),
    /// The new login is only in memory until the keychain takes it.
    StoreDelayed,
    /// The login is proven and stored; the owner takes it over.
    LoggedIn(Box<LoggedIn>),
    /// There is no login.
    Ended,
}

/// A login that is proven and stored.
pub(crate) struct LoggedIn {
    pub(crate) server: Server,
    pub(crate) tokens: TokensInfo,
    pub(crate) access_token: Option<AccessToken>,
    pub(crate) last_stored: Option<SlottedToken>,
    pub(crate) listener: Listener,
}

/// Runs a log-in to its end; `report` reaches the owner of the account.
pub(crate) async fn drive(job: LogInJob, report: impl Fn(LogInReport) + Send + Sync) -> LogInReport {
    let LogInJob {
        account,
        before,
        settings,
        server,
        credential,
        client_secret,
        flow,
        listener,
        others,
        answers,
        pasted,
    } = job;
    let material = Material { settings, server, credential, client_secret, others, pasted: Some(pasted), ours: None };
    let mut driver =
        Driver { account, before, material, listener: Mutex::new(listener), answers, proven: None, report };
    let mut flow = flow;
    loop {
        let answer = match flow.next().clone() {
            Step::Discover(issuer) => driver.discover(&issuer).await,
            Step::Obtain(method) => driver.obtain(method).await,
            Step::Prove { replaces_user } => driver.prove(replaces_user).await,
            Step::Confirm(question) => driver.confirm(&question).await,
            Step::Follow(tokens) => return driver.logged_in(tokens),
            Step::Done(outcome) => return driver.done(&outcome).await,
        };
        flow = flow.advance(answer, Timestamp::now());
    }
}

/// What the log-in is made of.
struct Material {
    settings: AccountSettings,
    server: Option<Server>,
    credential: Option<Credential>,
    client_secret: Option<ClientSecret>,
    others: Vec<OtherAccount>,
    /// Until there is a sign-in that takes it.
    pasted: Option<mpsc::UnboundedReceiver<Pasted>>,
    /// The server that gave the credential to this sign-in alone.
    ours: Option<Ours>,
}

struct Driver<F> {
    account: AccountContext,
    before: Option<Account>,
    material: Material,
    /// A keychain that refuses the new token is told of while the rotation waits for it.
    listener: Mutex<Listener>,
    answers: mpsc::UnboundedReceiver<PersonsAnswer>,
    proven: Option<Rotated>,
    report: F,
}

impl<F: Fn(LogInReport) + Send + Sync> Driver<F> {
    async fn discover(&mut self, issuer: &Issuer) -> Answer {
        let discovered = until_ended(
            discover(issuer),
            &mut self.answers,
            self.listener.get_mut().unwrap_or_else(PoisonError::into_inner),
        )
        .await;
        match discovered.and_then(|metadata| self.resolve(metadata)) {
            Ok(server) => {
                self.material.server = Some(server);
                Answer::Discovered
            }
            Err(problem) => {
                tracing::warn!(account = %self.account.name, "{problem}");
                Answer::Failed(problem)
            }
        }
    }

    fn resolve(&self, metadata: Metadata) -> Result<Server, Problem> {
        let before = self.before.as_ref().map(|account| &*account.server);
        let has_secret = self.material.client_secret.is_some();
        resolve(NOT_LOGGED_IN, before, self.material.settings.clone(), Some(metadata), has_secret)
    }

    async fn obtain(&mut self, method: SignInMethod) -> Answer {
        let (Some(server), Some(pasted)) = (self.material.server.clone(), self.material.pasted.take()) else {
            return Answer::Failed(cancelled());
        };
        let listener = self.listener.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (events, ending) = (listener.events(), listener.ending());
        let client_secret = self.material.client_secret.clone();
        let work = obtain(method, &self.account, &server, client_secret, events, pasted, ending);
        let obtained = until_ended(work, &mut self.answers, listener).await;
        match obtained {
            Ok(Obtained { credential, ours }) => {
                self.material.credential = Some(credential);
                self.material.ours = ours;
                Answer::Obtained
            }
            Err(problem) => {
                tracing::info!(account = %self.account.name, "{problem}");
                Answer::Failed(problem)
            }
        }
    }

    async fn prove(&mut self, replaces_user: bool) -> Answer {
        let (Some(server), Some(credential)) = (self.material.server.clone(), self.material.credential.clone()) else {
            return Answer::Failed(cancelled());
        };
        let fingerprint = credential.refresh_token.fingerprint();
        if let Err(problem) =
            refuse_spent(fingerprint, &Origin::of(&server.endpoint), &self.account, &self.material.others).await
        {
            return Answer::Failed(problem);
        }
        let purpose = Purpose::LogIn { fingerprint, user_id: credential.user_id.clone(), replaces_user };
        let log_in = LogIn::new(self.account.name.clone(), server, replaces_user);
        let delayed = |problem| self.store_delayed(problem);
        let given = || Some((credential.clone(), log_in.clone()));
        if let Some(ours) = &self.material.ours {
            tokio::time::sleep_until(ours.since + APART).await;
        }
        let mut rotated = rotate(&self.account, purpose.clone(), given(), delayed).await;
        if self.material.ours.is_some() && server_failed(&rotated.outcome) {
            tokio::time::sleep(APART).await;
            rotated = rotate(&self.account, purpose, given(), delayed).await;
        }
        if let Some(waiting) = rotated.waiting.take() {
            self.material.credential = Some(waiting.credential());
        }
        match rotated.outcome.clone() {
            rotation::Outcome::Granted(tokens) | rotation::Outcome::Adopted(tokens) => {
                self.proven = Some(rotated);
                Answer::Proven(tokens)
            }
            rotation::Outcome::Failed(failure) => Answer::NotProven(failure),
            rotation::Outcome::Reverted => Answer::NotProven(Failure::Journal),
        }
    }

    fn store_delayed(&self, problem: KeychainProblem) {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*listener, Listener::Nobody) {
            listener.tell(Err(login_store_delayed(&self.account.name, problem)));
            (self.report)(LogInReport::StoreDelayed);
        }
    }

    /// Waits for a person. When the agent ends, the login stays in the keychain for the next start.
    async fn confirm(&mut self, question: &Question) -> Answer {
        let failure = question.failed.clone().unwrap_or_else(|| Failure::AnotherUser(question.users.clone()));
        let waiting = self.material.credential.as_ref().map(|credential| credential.refresh_token.fingerprint());
        let problem = self.problem(&failure);
        let problem = Problem { login: waiting, ..problem };
        self.listener.get_mut().unwrap_or_else(PoisonError::into_inner).tell(Err(problem));
        if let Some(fingerprint) = waiting {
            (self.report)(LogInReport::Asked(fingerprint));
        }
        let left = question.until.duration_since(Timestamp::now()).max(SignedDuration::ZERO).unsigned_abs();
        match tokio::time::timeout(left, self.answers.recv()).await {
            Ok(Some(PersonsAnswer::Yes(reply))) => {
                *self.listener.get_mut().unwrap_or_else(PoisonError::into_inner) = Listener::Reply(reply);
                Answer::Confirmed
            }
            Ok(Some(PersonsAnswer::No)) | Err(_) => {
                self.account.dismiss_waiting().await;
                Answer::Dismissed
            }
            Ok(None) => {
                // The keychain keeps it, or a newer one, until somebody answers.
                self.material.ours = None;
                Answer::Dismissed
            }
        }
    }

    fn problem(&self, failure: &Failure) -> Problem {
        let in_words = if self.material.ours.is_some() { unproven_sign_in_problem } else { login_problem };
        in_words(&self.account.name, failure)
    }

    fn logged_in(self, tokens: TokensInfo) -> LogInReport {
        let (Some(server), Some(proven)) = (self.material.server, self.proven) else { return LogInReport::Ended };
        let listener = self.listener.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Rotated { access_token, last_stored, .. } = proven;
        LogInReport::LoggedIn(Box::new(LoggedIn { server, tokens, access_token, last_stored, listener }))
    }

    async fn done(mut self, outcome: &Outcome) -> LogInReport {
        let problem = match outcome {
            Outcome::NotObtained(problem) => problem.clone(),
            Outcome::NotProven(failure) => self.problem(failure),
            Outcome::LoggedIn(_) | Outcome::Dismissed => cancelled(),
        };
        self.listener.get_mut().unwrap_or_else(PoisonError::into_inner).tell(Err(problem));
        if let (Some(ours), Some(credential)) = (&self.material.ours, &self.material.credential) {
            ours.at.drop_login(&self.account.name, &credential.refresh_token).await;
        }
        LogInReport::Ended
    }
}

/// The work's end, unless another log-in takes this one's place, the agent ends, or nobody waits any more.
async fn until_ended<T>(
    work: impl Future<Output = Result<T, Problem>>,
    answers: &mut mpsc::UnboundedReceiver<PersonsAnswer>,
    listener: &mut Listener,
) -> Result<T, Problem> {
    tokio::select! {
        done = work => done,
        () = listener.gone() => Err(given_up()),
        None = answers.recv() => Err(cancelled()),
    }
}

const fn server_failed(outcome: &rotation::Outcome) -> bool {
    matches!(outcome, rotation::Outcome::Failed(Failure::OutcomeUnknown(OutcomeUnknown::ServerError { .. })))
}

fn given_up() -> Problem {
    Problem::new(ProblemKind::Failed, "The log-in was cancelled; nothing was changed.", "Log in again.")
}

fn cancelled() -> Problem {
    Problem::new(
        ProblemKind::Failed,
        "The log-in was cancelled: another one started, or the agent is shutting down; nothing was changed.",
        "Log in again.",
    )
}
