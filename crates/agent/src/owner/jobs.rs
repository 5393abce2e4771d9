//! Work that takes time, off the owner's task. Each job reports once, with the incarnation that it belongs to.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use evertoken_core::account::{Account, AccountName};
use evertoken_core::api::login_problem::login_store_delayed;
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{AccountSettings, CopyAnswer, LogoutAnswer};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::config::Edit;
use evertoken_core::login::journal::{Summary, summarize};
use evertoken_core::login::recovery::recover;
use evertoken_core::login::rotation::{Outcome, Purpose};
use evertoken_core::login::session::{AccessTokenInfo, Event, Recovered, RequestId, keychain_problem};
use evertoken_core::login::token_store::{KeychainProblem, StoredAccessToken};
use evertoken_core::oauth::metadata::{Issuer, Metadata};
use evertoken_core::oauth::revocation::Revocation;
use evertoken_core::oauth::token::{AccessToken, Fingerprint};
use tokio::sync::mpsc;

use super::Agent;
use super::calls::taken;
use super::held::Asker;
use super::logins::{Login, unknown};
use super::sign_ins::{SignIn, SignedIn};
use crate::http::discovery::discover;
use crate::local_api::Reply;
use crate::rotation::{Exchanged, Given, InSlot, Workplace, exchange};
use crate::store::account_lock::AccountLock;
use crate::store::journal_file::JournalFile;
use crate::store::token_file::TokenFileError;
use crate::store::token_store::Vault;

/// A job's report.
pub(crate) struct Finished {
    account: AccountName,
    incarnation: u64,
    /// Was this the job's last report?
    last: bool,
    /// `None`: nothing that anybody has to know.
    result: Option<JobResult>,
}

impl Finished {
    /// A report of a job that goes on.
    pub(super) fn so_far(account: AccountName, incarnation: u64, result: JobResult) -> Self {
        Self { account, incarnation, last: false, result: Some(result) }
    }
}

/// What a job came to.
pub(super) enum JobResult {
    Opened(Result<Recovered, KeychainProblem>, Option<AccessToken>),
    StoreDelayed(RequestId, KeychainProblem),
    LoginStoreDelayed,
    Refreshed(RequestId, Exchanged),
    Discovered(Box<Discovered>),
    LoggedIn(Box<LoginOutcome>),
    SignedIn(Box<SignedIn>),
    /// The login of another user has waited long enough.
    AsideExpired,
    /// The tokens are deleted; the server has yet to hear of it.
    SignedOut,
    Forgotten {
        remove: bool,
        result: Result<Option<Revocation>, Problem>,
        reply: ForgetReply,
    },
    Renamed {
        to: AccountName,
        result: Result<(), Problem>,
        reply: Reply<AccountStatus>,
    },
    Copied(Option<Asker>, Result<CopyAnswer, Problem>),
    TokenFileKept(PathBuf, Result<(), TokenFileError>),
}

/// What an issuer's metadata said, and for whom it was asked.
pub(super) struct Discovered {
    pub(super) settings: AccountSettings,
    pub(super) result: Result<Metadata, Problem>,
    pub(super) then: Then,
}

/// What goes on once the endpoints are known.
pub(super) enum Then {
    LogIn(Login, Reply<AccountStatus>),
    Create(Reply<AccountStatus>),
    SignIn(SignIn),
}

/// How a log-in went, and the account as it is to be.
pub(super) struct LoginOutcome {
    /// There was no account of that name.
    pub(super) is_new: bool,
    pub(super) account: Account,
    /// Of the token that was given.
    pub(super) fingerprint: Fingerprint,
    pub(super) exchanged: Exchanged,
    pub(super) reply: LoginReply,
}

/// Who hears how a log-in went; empty once they heard that the keychain does not take the new token yet.
pub(super) type LoginReply = Arc<Mutex<Option<Reply<AccountStatus>>>>;

/// Who hears that an account's tokens are gone.
pub(super) enum ForgetReply {
    LoggedOut(Reply<LogoutAnswer>),
    Removed(Reply<()>),
}

impl Agent {
    pub(super) fn workplace(&self, name: &AccountName) -> Option<Workplace> {
        let held = self.accounts.get(name)?;
        let place = self.workplace_with(name, held.account.clone());
        Some(Workplace { newest: held.newest.clone(), store_nudge: Arc::clone(&held.store_nudge), ..place })
    }

    /// A workplace for an account that may not exist yet.
    pub(super) fn workplace_with(&self, name: &AccountName, account: Account) -> Workplace {
        Workplace {
            name: name.clone(),
            account,
            vault: Vault::new(self.keychain.clone(), name.clone()),
            journal: JournalFile::new(self.paths.journal(name)),
            lock: self.paths.lock(name),
            newest: None,
            store_nudge: Arc::default(),
        }
    }

    /// Runs a job to its end, whoever goes away meanwhile.
    pub(super) fn start(&mut self, name: &AccountName, job: impl Future<Output = Option<JobResult>> + Send + 'static) {
        let (account, finished) = (name.clone(), self.finished.clone());
        let incarnation = self.accounts.get(name).map_or(0, |held| held.incarnation);
        self.running_jobs += 1;
        tokio::spawn(async move {
            let result = job.await;
            let _ = finished.send(Finished { account, incarnation, last: true, result });
        });
    }

    pub(super) fn job_finished(&mut self, finished: Finished) {
        let Finished { account: name, incarnation, last, result } = finished;
        self.running_jobs -= usize::from(last);
        let Some(result) = result else { return };
        let is_current = self.accounts.get(&name).is_some_and(|held| held.incarnation == incarnation);
        // What was begun for an account that has another name now, or none, must not make one of the old name.
        let gone = (incarnation != 0 && !self.accounts.contains_key(&name)).then(|| unknown(&name));
        match result {
            JobResult::Opened(..) | JobResult::StoreDelayed(..) | JobResult::Refreshed(..) if !is_current => {}
            JobResult::Opened(Ok(recovered), token) => {
                self.keep(&name, token);
                self.step(&name, Event::Opened(recovered));
            }
            JobResult::Opened(Err(problem), _) => self.step(&name, Event::OpenFailed(problem)),
            JobResult::StoreDelayed(request, problem) => {
                self.step(&name, Event::TokenStoreDelayed { request, problem });
            }
            JobResult::Refreshed(request, exchanged) => self.refreshed(&name, request, exchanged),
            JobResult::LoginStoreDelayed => self.login_store_delayed(&name),
            JobResult::Discovered(discovered) => self.discovered(name, *discovered, gone),
            JobResult::SignedIn(signed_in) => self.signed_in(&name, *signed_in, gone),
            JobResult::AsideExpired => self.forget_expired_asides(),
            JobResult::SignedOut => {
                self.asides.remove(&name);
                self.step(&name, Event::LogoutRequested);
            }
            JobResult::LoggedIn(outcome) => self.logged_in(&name, *outcome),
            JobResult::Forgotten { remove, result, reply } => self.forgotten(&name, remove, result, reply),
            JobResult::Renamed { to, result, reply } => self.renamed(&name, &to, result, reply),
            JobResult::TokenFileKept(path, result) => self.token_file_kept(&path, result),
            JobResult::Copied(asker, result) => self.copied(&name, asker, result),
        }
    }

    fn refreshed(&mut self, name: &AccountName, request: RequestId, exchanged: Exchanged) {
        let Exchanged { outcome, access_token, newest: stored, set_aside: _ } = exchanged;
        match outcome {
            Outcome::Granted(tokens) | Outcome::Adopted(tokens) => {
                let newer = self.accounts.get(name).is_some_and(|held| {
                    held.session.refresh_token().is_none_or(|info| info.generation <= tokens.refresh_token.generation)
                });
                if newer {
                    self.keep(name, access_token);
                    self.remember(name, stored);
                }
                self.step(name, Event::TokenGranted { request, tokens });
            }
            Outcome::Failed(failure) => self.step(name, Event::TokenRequestFailed { request, failure }),
            Outcome::Reverted => self.open_again(name),
        }
    }

    pub(super) fn remember(&mut self, name: &AccountName, stored: Option<InSlot>) {
        if let Some(held) = self.accounts.get_mut(name) {
            held.newest = stored;
        }
    }

    pub(super) fn keep(&mut self, name: &AccountName, token: Option<AccessToken>) {
        if let Some(held) = self.accounts.get_mut(name) {
            held.access_token = token;
        }
    }
}

/// Reads an account's tokens and journal, under the lock: what a log-in is about to prove is not there yet.
pub(super) async fn open(place: Option<Workplace>) -> Option<JobResult> {
    let place = place?;
    // Without the lock nothing can be rotated, neither by us: what is there may be read, and the access token used.
    let lock = AccountLock::acquire(place.lock.clone()).await;
    if let Err(error) = &lock {
        tracing::warn!(account = %place.name, "the state folder cannot be used: {error}");
    }
    let tokens = match place.vault.read().await {
        Ok(tokens) => tokens,
        Err(problem) => return Some(JobResult::Opened(Err(problem), None)),
    };
    let entries = place.journal.read().unwrap_or_else(|error| {
        tracing::warn!(account = %place.name, "the journal cannot be read: {error}");
        Vec::new()
    });
    let journal = if place.vault.forgets() { Summary::default() } else { summarize(&entries) };
    let recovered = recover(&tokens.found(), &journal);
    let token = tokens.access_token.map(|stored| stored.token);
    Some(JobResult::Opened(recovered, token))
}

/// Renews an account's tokens.
pub(super) async fn refresh(
    place: Option<Workplace>,
    purpose: Purpose,
    request: RequestId,
    incarnation: u64,
    reports: mpsc::UnboundedSender<Finished>,
) -> Option<JobResult> {
    let place = place?;
    let account = place.name.clone();
    let delayed = move |problem| {
        let result = JobResult::StoreDelayed(request, problem);
        let _ = reports.send(Finished::so_far(account.clone(), incarnation, result));
    };
    Some(JobResult::Refreshed(request, exchange(place, purpose, Given::default(), delayed).await))
}

/// Writes an access token's times anew after the clock was set, so that the next start does not take it to last
/// longer than it does. Best effort.
pub(super) async fn write_times(
    place: Option<Workplace>,
    generation: u64,
    times: AccessTokenInfo,
    token: AccessToken,
) -> Option<JobResult> {
    let place = place?;
    let _lock = AccountLock::acquire(place.lock.clone()).await.ok()?;
    let current = place.vault.read().await.ok()?.found().current()?;
    if current.generation == generation {
        let stored = StoredAccessToken::new(generation, times, token);
        let _ = place.vault.store_access_token(&stored).await;
    }
    None
}

/// Proves a refresh token that a person gave.
pub(super) async fn log_in(
    place: Workplace,
    given: Given,
    fingerprint: Fingerprint,
    is_new: bool,
    reply: Reply<AccountStatus>,
    reports: mpsc::UnboundedSender<Finished>,
) -> Option<JobResult> {
    let (name, account) = (place.name.clone(), place.account.clone());
    let purpose = Purpose::LogIn { fingerprint };
    let reply: LoginReply = Arc::new(Mutex::new(Some(reply)));
    let waiting = Arc::clone(&reply);
    let delayed = move |problem| {
        if let Some(reply) = take(&waiting) {
            let _ = reply.send(Err(login_store_delayed(&name, problem)));
            let _ = reports.send(Finished::so_far(name.clone(), 0, JobResult::LoginStoreDelayed));
        }
    };
    let exchanged = exchange(place, purpose, given, delayed).await;
    Some(JobResult::LoggedIn(Box::new(LoginOutcome { is_new, account, fingerprint, exchanged, reply })))
}

/// Whoever waits for a log-in, if nobody has answered them yet.
pub(super) fn take(reply: &LoginReply) -> Option<Reply<AccountStatus>> {
    reply.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Asks an issuer for its endpoints.
pub(super) async fn find_endpoints(
    issuer: Issuer,
    name: AccountName,
    settings: AccountSettings,
    then: Then,
) -> Option<JobResult> {
    let result = discover(&issuer).await;
    if let Err(problem) = &result {
        tracing::warn!(account = %name, "{problem}");
    }
    Some(JobResult::Discovered(Box::new(Discovered { settings, result, then })))
}

/// Moves an account's tokens and journal to another name. The old ones go last.
pub(super) async fn rename(
    from: Workplace,
    to: Workplace,
    file: crate::store::config_file::ConfigurationFile,
    reply: Reply<AccountStatus>,
) -> Option<JobResult> {
    let name = to.name.clone();
    let result = move_tokens(&from, &to, &file).await;
    Some(JobResult::Renamed { to: name, result, reply })
}

async fn move_tokens(
    from: &Workplace,
    to: &Workplace,
    file: &crate::store::config_file::ConfigurationFile,
) -> Result<(), Problem> {
    let _from = AccountLock::acquire(from.lock.clone()).await?;
    let _to = AccountLock::acquire(to.lock.clone()).await?;
    // Somebody may have made one while this waited for the locks: its tokens are not written over.
    if file.read()?.accounts.contains_key(&to.name) {
        return Err(taken(&to.name));
    }
    from.vault.copy_to(&to.vault).await.map_err(|problem| keychain_problem(&from.name, problem))?;
    from.journal.rename(&to.journal).map_err(|error| state_folder(&error))?;
    file.edit(&Edit::RenameAccount { from: from.name.clone(), to: to.name.clone() })?;
    from.vault.forget_account().await.map_err(|problem| keychain_problem(&from.name, problem))?;
    Ok(())
}

/// The problem of a state folder that cannot be used.
pub(crate) fn state_folder(error: &std::io::Error) -> Problem {
    Problem::new(
        ProblemKind::Failed,
        format!("The state folder cannot be used: {error}; the login is kept."),
        "Make the state folder writable and free some space, then try again.",
    )
}
