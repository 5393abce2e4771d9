//! The threads that call the keychain. There is one, unless a call hangs: then its thread is abandoned together with
//! the store that it holds, and the next call gets a new one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use evertoken_core::keychain::KeychainProblem;
use keyring_core::{CredentialStore, Entry, Error};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::time::error::Elapsed;

use super::file::FileKeychain;
use super::parts::{self, Entries};
use super::problem::{Step, is_worth_a_new_store, problem};
use super::work::{Answer, Work};
use super::{LONGEST_CALL, lock};

/// As many abandoned threads may hang at once; beyond that the keychain does not answer, which is known without asking.
const MOST_HANGING: usize = 4;
/// A thread without a call for this long ends, and closes its session with the keychain. A rotation makes all its
/// calls within a second.
const IDLE: Duration = Duration::from_secs(30);

pub(super) type Modifiers<'a> = HashMap<&'static str, &'a str>;

/// How a keychain is opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opener {
    pub(super) open: fn() -> keyring_core::Result<Arc<CredentialStore>>,
    /// What its entries are made with, beside service and user. Each store refuses what it does not know.
    pub(super) modifiers: for<'a> fn(label: &'a str) -> Modifiers<'a>,
    /// In bytes, where an entry has a limit.
    pub(super) longest_entry: Option<usize>,
}

/// What the threads call.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Store(Opener),
    File(Arc<FileKeychain>),
}

#[derive(Debug)]
struct Call {
    user: String,
    work: Work,
    answer: oneshot::Sender<Answer>,
}

/// The worker threads of one keychain.
#[derive(Debug)]
pub(super) struct Workers {
    service: Arc<str>,
    source: Source,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Worker>,
    /// Abandoned threads; those that have ended since do not upgrade any more.
    hanging: Vec<Weak<Alive>>,
}

#[derive(Debug, Clone)]
struct Worker {
    calls: Sender<Call>,
    alive: Weak<Alive>,
}

/// Lives as long as its thread.
#[derive(Debug, Default)]
struct Alive {
    /// How many calls the thread has answered.
    answered: AtomicUsize,
}

impl Worker {
    /// The answer to a call, or that the thread hangs: it answered nobody for as long as a call may take. Those before
    /// us in the queue may be many, so a thread that answers them is waited for.
    async fn answer(&self, mut answer: oneshot::Receiver<Answer>) -> Result<Result<Answer, RecvError>, Elapsed> {
        loop {
            let before = self.answered();
            match tokio::time::timeout(LONGEST_CALL, &mut answer).await {
                Err(_) if self.answered() != before => {}
                outcome => return outcome,
            }
        }
    }

    fn answered(&self) -> Option<usize> {
        self.alive.upgrade().map(|alive| alive.answered.load(Ordering::Relaxed))
    }
}

impl Workers {
    pub(super) fn new(service: &str, source: Source) -> Self {
        Self { service: service.into(), source, state: Mutex::default() }
    }

    pub(super) async fn call(&self, user: &str, work: Work) -> Answer {
        // The second round is for a thread that ended, because it was idle, at the moment it was called.
        for _ in 0..2 {
            let worker = self.worker()?;
            let (answer, answered) = oneshot::channel();
            let call = Call { user: user.to_owned(), work: work.clone(), answer };
            if worker.calls.send(call).is_err() {
                self.forget(&worker);
                continue;
            }
            match worker.answer(answered).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(_ended_without_an_answer)) => self.forget(&worker),
                Err(_elapsed) => {
                    self.abandon(&worker);
                    return Err(KeychainProblem::TimedOut);
                }
            }
        }
        Err(KeychainProblem::Unavailable)
    }

    fn worker(&self) -> Result<Worker, KeychainProblem> {
        let mut state = lock(&self.state);
        if let Some(worker) = &state.current {
            return Ok(worker.clone());
        }
        state.hanging.retain(|alive| alive.strong_count() > 0);
        if state.hanging.len() >= MOST_HANGING {
            return Err(KeychainProblem::TimedOut);
        }
        let (calls, receiver) = channel();
        let alive = Arc::new(Alive::default());
        let worker = Worker { calls, alive: Arc::downgrade(&alive) };
        let (service, source) = (Arc::clone(&self.service), self.source.clone());
        let thread = std::thread::Builder::new().name("keychain".to_owned());
        if let Err(error) = thread.spawn(move || serve(&service, &source, &receiver, &alive)) {
            tracing::error!(%error, "the keychain's thread cannot be started");
            return Err(KeychainProblem::Unavailable);
        }
        state.current = Some(worker.clone());
        Ok(worker)
    }

    fn forget(&self, worker: &Worker) {
        lock(&self.state).current.take_if(|current| Weak::ptr_eq(&current.alive, &worker.alive));
    }

    fn abandon(&self, worker: &Worker) {
        let mut state = lock(&self.state);
        if state.current.take_if(|current| Weak::ptr_eq(&current.alive, &worker.alive)).is_some() {
            tracing::warn!("the keychain does not answer");
            state.hanging.push(Weak::clone(&worker.alive));
        }
    }
}

fn serve(service: &str, source: &Source, calls: &Receiver<Call>, alive: &Alive) {
    let mut store = None;
    while let Ok(call) = calls.recv_timeout(IDLE) {
        // Who gave up waiting may have written something newer since.
        if call.answer.is_closed() {
            continue;
        }
        let answer = match source {
            Source::Store(opener) => attempt(&mut store, service, *opener, &call),
            Source::File(file) => file.work(service, &call.user, &call.work),
        };
        alive.answered.fetch_add(1, Ordering::Relaxed);
        let _given_up = call.answer.send(answer);
    }
}

fn attempt(store: &mut Option<Arc<CredentialStore>>, service: &str, opener: Opener, call: &Call) -> Answer {
    let mut opened = match store.take() {
        Some(opened) => opened,
        None => (opener.open)().map_err(|error| problem(&error, Step::Opening))?,
    };
    let mut outcome = try_once(opened.as_ref(), service, opener, call);
    if outcome.as_ref().is_err_and(is_worth_a_new_store) {
        // A daemon that was replaced answers the old session with errors for ever.
        opened = (opener.open)().map_err(|error| problem(&error, Step::Opening))?;
        outcome = try_once(opened.as_ref(), service, opener, call);
    }
    if !outcome.as_ref().is_err_and(is_worth_a_new_store) {
        *store = Some(opened);
    }
    let step = if matches!(call.work, Work::Write(_)) { Step::Writing } else { Step::Reading };
    outcome.map_err(|error| problem(&error, step))
}

fn try_once(
    store: &CredentialStore,
    service: &str,
    opener: Opener,
    call: &Call,
) -> keyring_core::Result<Vec<SecretString>> {
    if let Some(longest) = opener.longest_entry {
        return in_parts(&OfStore { store, service, opener }, call, longest);
    }
    let label = format!("Evertoken: {}", call.user);
    let entry = store.build(service, &call.user, Some(&(opener.modifiers)(&label)))?;
    match work_on(&entry, &call.work) {
        Err(Error::NoEntry) => Ok(Vec::new()),
        // Two collections hold the entry. Writing and deleting means both, so that they agree from then on.
        Err(Error::Ambiguous(entries)) => {
            let values = entries.iter().map(|entry| work_on(entry, &call.work)).collect::<Result<Vec<_>, _>>()?;
            Ok(values.into_iter().flatten().collect())
        }
        outcome => Ok(outcome?.into_iter().collect()),
    }
}

fn work_on(entry: &Entry, work: &Work) -> keyring_core::Result<Option<SecretString>> {
    match work {
        Work::Read => entry.get_secret().map(|bytes| Some(text(bytes))),
        Work::Write(value) => entry.set_secret(value.expose_secret().as_bytes()).map(|()| None),
        Work::Delete => entry.delete_credential().map(|()| None),
    }
}

fn in_parts(entries: &OfStore<'_>, call: &Call, longest: usize) -> keyring_core::Result<Vec<SecretString>> {
    match &call.work {
        Work::Read => parts::read(entries, &call.user).map(|value| value.map(text).into_iter().collect()),
        Work::Write(value) => {
            parts::write(entries, &call.user, value.expose_secret().as_bytes(), longest).map(|()| Vec::new())
        }
        Work::Delete => parts::delete(entries, &call.user).map(|()| Vec::new()),
    }
}

/// The entries of a store under one service name.
struct OfStore<'a> {
    store: &'a CredentialStore,
    service: &'a str,
    opener: Opener,
}

impl OfStore<'_> {
    fn entry(&self, name: &str) -> keyring_core::Result<Entry> {
        self.store.build(self.service, name, Some(&(self.opener.modifiers)(name)))
    }
}

impl Entries for OfStore<'_> {
    fn read(&self, name: &str) -> keyring_core::Result<Option<Vec<u8>>> {
        match self.entry(name)?.get_secret() {
            Err(Error::NoEntry) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    fn write(&self, name: &str, value: &[u8]) -> keyring_core::Result<()> {
        self.entry(name)?.set_secret(value)
    }

    fn delete(&self, name: &str) -> keyring_core::Result<()> {
        match self.entry(name)?.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            outcome => outcome,
        }
    }
}

/// What is not UTF-8 was not written by us; whoever reads it will find that it is no entry of ours.
fn text(bytes: Vec<u8>) -> SecretString {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()).into()
}
