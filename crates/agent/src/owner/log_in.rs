//! Begins log-ins, asks about them, answers them, and takes them over when they are proven.

use std::sync::Arc;

use evertoken_core::account::{AccountId, AccountName};
use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::api::requests::{
    AccountSettings, CallbackRequest, LoginRequest, ReplaceRequest, SignInEvent, SignInRequest,
};
use evertoken_core::api::status::AccountStatus;
use evertoken_core::login::flow::{Flow, LONGEST_QUESTION};
use evertoken_core::login::notice::{Notice, NoticeKind};
use evertoken_core::login::session::Event;
use evertoken_core::login::token_store::{Credential, StoredRefreshToken};
use evertoken_core::oauth::client_authentication::ClientSecret;
use evertoken_core::oauth::server::SignInMethod;
use evertoken_core::oauth::token::Fingerprint;
use evertoken_core::oauth::token_response::{read_credential, user_id_in};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use super::account::ManagedAccount;
use super::agent::{Agent, random_bits};
use super::finished::{Finished, JobResult};
use super::log_ins::{LogInNumber, RunningLogIn};
use crate::login::resolve::{NOT_LOGGED_IN, invalid, issuer_of, resolve};
use crate::login::{Listener, LogInJob, LogInReport, LoggedIn, OtherAccount, Pasted, PersonsAnswer, drive};
use crate::request::{AccountRef, Reply, SignInEvents};
use crate::store::journal_file::JournalFile;

/// The account that a first log-in makes when nobody names it.
const FIRST_ACCOUNT: &str = "default";
/// Log-ins of one account at the same time: they wait for each other. A person begins one or two.
const MOST_AT_ONCE: usize = 16;

/// A log-in as it was asked for.
struct Begin {
    settings: AccountSettings,
    client_secret: Option<ClientSecret>,
    method: Option<SignInMethod>,
    credential: Option<Credential>,
    replaces_user: bool,
    expected_endpoint: Option<String>,
}

impl Agent {
    pub(super) fn log_in(&mut self, account: AccountRef, request: LoginRequest, reply: Reply<AccountStatus>) {
        let LoginRequest { credential, settings, client_secret, replace_user: replaces_user, expected_endpoint } =
            request;
        let begin = credential_of(&credential).and_then(|credential| {
            let client_secret = client_secret_of(client_secret)?;
            let credential = Some(Credential { client_secret: client_secret.clone(), ..credential });
            let settings = settings.unwrap_or_default();
            Ok(Begin { settings, client_secret, method: None, credential, replaces_user, expected_endpoint })
        });
        match begin.and_then(|begin| Ok((self.account_to_log_in(account)?, begin))) {
            Ok((name, begin)) => self.begin_or_confirm(name, begin, reply),
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// What was given once and waits for an answer is not presented a second time: it may be spent.
    fn begin_or_confirm(&mut self, name: AccountName, begin: Begin, reply: Reply<AccountStatus>) {
        let given = begin.credential.as_ref().map(|credential| credential.refresh_token.fingerprint());
        let id = self.id_of(&name);
        let meant = |log_in: &RunningLogIn| {
            Some(&log_in.account) == id.as_ref() && log_in.given == given && log_in.is_for(&begin.settings)
        };
        let waiting = begin.replaces_user.then(|| self.log_ins.take_answers(meant)).flatten();
        match waiting {
            Some(answers) => drop(answers.send(PersonsAnswer::Yes(reply))),
            None => self.begin(name, begin, Listener::Reply(reply)),
        }
    }

    pub(super) fn sign_in(
        &mut self,
        account: AccountRef,
        method: SignInMethod,
        request: SignInRequest,
        events: SignInEvents,
    ) {
        let SignInRequest { settings, client_secret, replace_user: replaces_user, expected_endpoint } = request;
        let begin = client_secret_of(client_secret).and_then(|client_secret| {
            let settings = settings.unwrap_or_default();
            let method = Some(method);
            let begin = Begin { settings, client_secret, method, credential: None, replaces_user, expected_endpoint };
            Ok((self.account_to_log_in(account)?, begin))
        });
        match begin {
            Ok((name, begin)) => self.begin(name, begin, Listener::of_sign_in(events)),
            Err(problem) => drop(events.send(SignInEvent::Problem(problem))),
        }
    }

    fn begin(&mut self, name: AccountName, begin: Begin, listener: Listener) {
        if let Err((problem, mut listener)) = self.try_begin(name, begin, listener) {
            listener.tell(Err(problem));
        }
    }

    fn try_begin(&mut self, name: AccountName, begin: Begin, listener: Listener) -> Result<(), (Problem, Listener)> {
        let Begin { settings, client_secret, method, credential, replaces_user, expected_endpoint } = begin;
        if let Some(problem) = expected_endpoint.and_then(|expected| self.is_not_at(&name, &expected)) {
            return Err((problem, listener));
        }
        let before = self.account(&name).map(|managed| managed.account().clone());
        let server = before.as_ref().map(|account| &*account.server);
        let prepared = issuer_of(&settings).and_then(|issuer| {
            let resolve = || resolve(NOT_LOGGED_IN, server, settings.clone(), None, client_secret.is_some());
            let server = if issuer.is_some() { None } else { Some(resolve()?) };
            Ok((issuer, server))
        });
        let (issuer, server) = match prepared {
            Ok(prepared) => prepared,
            Err(problem) => return Err((problem, listener)),
        };
        let context = self.context(&name).unwrap_or_else(|| {
            let id = self.log_ins.id_of_new(&name).unwrap_or_else(|| AccountId::random(random_bits()));
            self.context_with(&name, &id)
        });
        if self.log_ins.of(&context.id) >= MOST_AT_ONCE {
            return Err((too_many(&name), listener));
        }
        let flow = Flow::new(issuer, method, replaces_user);
        let (answers, persons_answers) = mpsc::unbounded_channel();
        let (paste, pasted) = mpsc::unbounded_channel();
        // Only a browser on another machine ends at an address that a person brings.
        let paste = if method == Some(SignInMethod::Browser) { paste } else { mpsc::unbounded_channel().0 };
        // One sign-in at a time: an earlier one of the same account ends here.
        if method.is_some() {
            let id = context.id.clone();
            let earlier =
                |log_in: &&mut RunningLogIn| log_in.is_sign_in && log_in.asked.is_none() && log_in.account == id;
            self.log_ins.running.values_mut().filter(earlier).for_each(RunningLogIn::end);
        }
        let given = credential.as_ref().map(|credential| credential.refresh_token.fingerprint());
        let others = self.other_accounts(&name);
        let running = RunningLogIn {
            account: context.id.clone(),
            name,
            is_sign_in: method.is_some(),
            given,
            settings: Some(settings.clone()),
            asked: None,
            answers,
            pasted: paste,
        };
        let job = LogInJob {
            account: context,
            before,
            settings,
            server,
            credential,
            client_secret,
            flow,
            listener,
            others,
            answers: persons_answers,
            pasted,
        };
        self.start_log_in(running, job);
        Ok(())
    }

    fn other_accounts(&self, name: &AccountName) -> Vec<OtherAccount> {
        let others = self.accounts.iter().filter(|(other, _)| *other != name);
        let other = |managed: &ManagedAccount| OtherAccount {
            server: managed.identity().server.clone(),
            journal: JournalFile::new(self.paths.journal(&managed.id)),
        };
        others.map(|(_, managed)| other(managed)).collect()
    }

    fn start_log_in(&mut self, running: RunningLogIn, job: LogInJob) {
        self.log_ins.count += 1;
        let (number, account) = (LogInNumber(self.log_ins.count), running.account.clone());
        self.log_ins.running.insert(number, running);
        let (reports, of) = (self.finished.clone(), account.clone());
        self.start(&account, async move {
            let report = |report| {
                let _ = reports.send(Finished::so_far(of.clone(), JobResult::LogIn(number, report)));
            };
            Some(JobResult::LogIn(number, drive(job, report).await))
        });
    }

    /// A login of another user that an earlier run of the agent left waiting.
    pub(super) fn resume_waiting(&mut self, name: &AccountName, waiting: StoredRefreshToken) {
        let Some(log_in) = waiting.log_in.clone() else { return };
        let Some((question, context)) = log_in.question.zip(self.context(name)) else { return };
        let until = question.asked_at.saturating_add(LONGEST_QUESTION).unwrap_or(question.asked_at);
        let credential = waiting.credential();
        let (answers, persons_answers) = mpsc::unbounded_channel();
        let running = RunningLogIn {
            account: context.id.clone(),
            name: name.clone(),
            is_sign_in: false,
            given: question.granted_for.or_else(|| Some(credential.refresh_token.fingerprint())),
            settings: None,
            asked: None,
            answers,
            pasted: mpsc::unbounded_channel().0,
        };
        let job = LogInJob {
            account: context,
            before: None,
            settings: AccountSettings::default(),
            server: Some(log_in.server),
            client_secret: credential.client_secret.clone(),
            credential: Some(credential),
            flow: Flow::waiting(question.users, until),
            listener: Listener::Nobody,
            // Its credential is a successor, which was never sent.
            others: Vec::new(),
            answers: persons_answers,
            pasted: mpsc::unbounded_channel().1,
        };
        self.start_log_in(running, job);
    }

    pub(super) fn log_in_reported(&mut self, number: LogInNumber, report: LogInReport) {
        match report {
            LogInReport::Asked(fingerprint) => self.asked(number, fingerprint),
            LogInReport::StoreDelayed => self.log_in_store_delayed(number),
            LogInReport::Ended => drop(self.log_ins.running.remove(&number)),
            LogInReport::LoggedIn(logged_in) => {
                if let Some(running) = self.log_ins.running.remove(&number) {
                    self.logged_in(running, *logged_in);
                }
            }
        }
    }

    /// A newer question of the same account takes the place of an older one.
    fn asked(&mut self, number: LogInNumber, fingerprint: Fingerprint) {
        let Some(account) = self.log_ins.running.get(&number).map(|running| running.account.clone()) else { return };
        for (other, running) in &mut self.log_ins.running {
            if *other == number {
                running.asked = Some(fingerprint);
            } else if running.account == account && running.asked.is_some() {
                // Its entry in the keychain holds the newer login by now.
                running.end();
            }
        }
    }

    fn log_in_store_delayed(&mut self, number: LogInNumber) {
        if let Some(running) = self.log_ins.running.get(&number) {
            let name = running.name.clone();
            self.notify(&name, Notice::KeychainRefused);
        }
    }

    fn logged_in(&mut self, running: RunningLogIn, logged_in: LoggedIn) {
        let LoggedIn { server, tokens, access_token, last_stored, mut listener } = logged_in;
        let id = running.account;
        let name = self.accounts.name_of(&id).cloned().unwrap_or_else(|| self.free_name(running.name));
        let followed = self.follow_log_in(&name, &id, Arc::new(server));
        let fingerprint = tokens.refresh_token.fingerprint;
        if let Some(managed) = self.accounts.get_mut(&name) {
            managed.access_token = access_token;
            managed.last_stored = last_stored;
        }
        self.step(&name, Event::AuthorizationGranted(tokens));
        self.withdraw(&name, NoticeKind::KeychainRefused);
        self.settle_on_the_desktop(&name);
        for other in self.log_ins.running.values_mut().filter(|other| other.account == id) {
            if other.asked.take().is_some() {
                let _ = other.answers.send(PersonsAnswer::No);
            }
        }
        match followed {
            Ok(()) => {
                self.record_log_in(&name, fingerprint);
                listener.tell(self.status_of(&name));
            }
            Err(problem) => listener.tell(Err(problem)),
        }
    }

    /// A person brings the answer from a browser on another machine. The account may be one that the sign-in is to make.
    pub(super) fn callback(&mut self, account: &AccountRef, request: CallbackRequest, reply: Reply<()>) {
        let waits = |log_in: &&RunningLogIn| {
            log_in.is_sign_in && !log_in.pasted.is_closed() && account.as_ref().is_none_or(|name| *name == log_in.name)
        };
        let pasted = Pasted { url: request.url.into(), reply };
        let unheard = match self.log_ins.running.values().find(waits) {
            Some(log_in) => log_in.pasted.send(pasted).err().map(|unsent| unsent.0),
            None => Some(pasted),
        };
        if let Some(Pasted { reply, .. }) = unheard {
            let detail = "No sign-in with the browser is waiting for an address; nothing was changed.";
            drop(reply.send(Err(invalid(detail, "Begin one with `evertoken login --browser`."))));
        }
    }

    /// A person said yes: the login that waits takes the account.
    pub(super) fn replace_user(&mut self, account: AccountRef, request: ReplaceRequest, reply: Reply<AccountStatus>) {
        let name = match self.resolve(account) {
            Ok(name) => name,
            Err(problem) => return drop(reply.send(Err(problem))),
        };
        let id = self.id_of(&name);
        let meant = |log_in: &RunningLogIn| Some(&log_in.account) == id.as_ref() && log_in.asked == Some(request.login);
        match self.log_ins.take_answers(meant) {
            Some(answers) => drop(answers.send(PersonsAnswer::Yes(reply))),
            None => drop(reply.send(Err(Problem::new(
                ProblemKind::InvalidInput,
                format!("{name}: this login is not waiting for confirmation any more; nothing was changed."),
                "Log in again, with --replace-user.",
            )))),
        }
    }

    /// A log-in that was opened for an account's server stays with it, whatever became of the name meanwhile.
    fn is_not_at(&self, name: &AccountName, expected: &str) -> Option<Problem> {
        let Some(managed) = self.account(name) else { return Some(self.unknown_account(name)) };
        let endpoint = &managed.account().server.endpoint;
        (endpoint.as_str() != expected).then(|| {
            invalid(
                format!(
                    "{NOT_LOGGED_IN}: {name} belongs to {} now, and this log-in was for another server.",
                    endpoint.host()
                ),
                "Nothing was sent and nothing was changed. Open the log-in again.",
            )
        })
    }

    fn account_to_log_in(&self, account: AccountRef) -> Result<AccountName, Problem> {
        match account {
            Some(name) => Ok(name),
            None if self.accounts.is_empty() => first_account(),
            None => self.default_account(),
        }
    }
}

fn first_account() -> Result<AccountName, Problem> {
    FIRST_ACCOUNT.parse().map_err(|error: evertoken_core::account::InvalidAccountName| invalid(error.to_string(), ""))
}

fn credential_of(text: &str) -> Result<Credential, Problem> {
    let refresh_token = read_credential(text).map_err(|error| {
        invalid(format!("{NOT_LOGGED_IN}: {error}."), "Paste the refresh token, or the whole token response.")
    })?;
    Ok(Credential { refresh_token, client_secret: None, user_id: user_id_in(text) })
}

fn client_secret_of(given: Option<String>) -> Result<Option<ClientSecret>, Problem> {
    let read = given.map(SecretString::from).map(|text| ClientSecret::read(text.expose_secret()));
    read.transpose()
        .map_err(|error| invalid(format!("{NOT_LOGGED_IN}: {error}."), "Give the client secret alone, in one line."))
}

fn too_many(name: &AccountName) -> Problem {
    Problem::new(
        ProblemKind::TryLater,
        format!("{MOST_AT_ONCE} log-ins of {name} are running already; nothing was changed."),
        "Wait until one of them has ended, then log in again.",
    )
}
