//! Keeps the token files as the accounts want them: there while the token is valid, and gone afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evertoken_core::account::token_file::{NotWritable, TokenFile, TokenFileForm};
use evertoken_core::account::{AccountName, Sharing};
use evertoken_core::api::status::TokenFileStatus;
use evertoken_core::oauth::token::Fingerprint;
use jiff::Timestamp;
use secrecy::SecretString;
use tracing::{info, warn};

use super::Agent;
use super::jobs::JobResult;
use crate::local_api::Reply;
use crate::store::token_file::{TokenFileError, TokenFileStore};

/// What was last done about each file.
pub(super) struct TokenFiles {
    store: TokenFileStore,
    files: BTreeMap<PathBuf, Kept>,
    /// Who waits until nothing is under way.
    waiting: Vec<Reply<()>>,
}

struct Kept {
    account: AccountName,
    /// `None`: an agent before this one made the file, and nothing was done about it yet.
    wanted: Option<Wanted>,
    is_running: bool,
    problem: Option<String>,
}

/// What a file should hold now. Without the token itself: this is put together and compared at every change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    account: AccountName,
    /// `None`: the file is to be gone.
    token: Option<Written>,
}

/// Which token, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    fingerprint: Fingerprint,
    expires_at: Timestamp,
    form: TokenFileForm,
}

impl TokenFiles {
    /// Begins with the files that an earlier agent left.
    pub(super) fn new(store: TokenFileStore) -> Self {
        let left = |account| Kept { account, wanted: None, is_running: false, problem: None };
        let files = store.known().into_iter().map(|(path, account)| (path, left(account))).collect();
        Self { store, files, waiting: Vec::new() }
    }

    pub(super) fn status(&self, sharing: &Sharing) -> Option<TokenFileStatus> {
        let TokenFile { path, form } = sharing.token_file.as_ref()?;
        let problem = self.files.get(path.as_path()).and_then(|kept| kept.problem.clone());
        Some(TokenFileStatus { path: path.as_path().to_owned(), form: *form, problem })
    }

    /// Answers when no file is being written or removed.
    pub(super) fn when_kept(&mut self, reply: Reply<()>) {
        self.waiting.push(reply);
        self.answer_if_kept();
    }

    fn answer_if_kept(&mut self) {
        if !self.files.values().any(|kept| kept.is_running) {
            self.waiting.drain(..).for_each(|reply| drop(reply.send(Ok(()))));
        }
    }

    /// What failed is tried once more.
    pub(super) fn try_again(&mut self) {
        self.files.retain(|_, kept| kept.problem.is_none() || kept.is_running);
    }
}

impl Agent {
    /// Writes and removes what is not as it should be. Each file is worked on by one job at a time.
    pub(super) fn keep_token_files(&mut self) {
        let mut wanted = self.wanted_token_files();
        for (path, kept) in &self.token_files.files {
            let gone = || Wanted { account: kept.account.clone(), token: None };
            wanted.entry(path.clone()).or_insert_with(gone);
        }
        for (path, wanted) in wanted {
            let known = self.token_files.files.get(&path);
            let is_done = known.is_some_and(|kept| kept.is_running || kept.wanted.as_ref() == Some(&wanted));
            if !is_done {
                self.keep_token_file(path, wanted);
            }
        }
    }

    fn wanted_token_files(&self) -> BTreeMap<PathBuf, Wanted> {
        let now = self.clock.now();
        let mut wanted = BTreeMap::new();
        for (name, managed) in &self.accounts {
            let Some(TokenFile { path, form }) = &managed.account().sharing.token_file else { continue };
            let valid = managed.session.access_token().filter(|info| info.remaining(now).is_positive() && !self.ending);
            let token = valid.zip(managed.access_token.as_ref()).map(|(info, token)| Written {
                fingerprint: token.fingerprint(),
                expires_at: info.expires_at,
                form: *form,
            });
            wanted.insert(path.as_path().to_owned(), Wanted { account: name.clone(), token });
        }
        wanted
    }

    fn contents(&self, wanted: &Wanted) -> Result<Option<SecretString>, NotWritable> {
        let managed = self.accounts.get(&wanted.account).and_then(|managed| managed.access_token.as_ref());
        let Some((Written { expires_at, form, .. }, token)) = wanted.token.as_ref().zip(managed) else {
            return Ok(None);
        };
        form.contents(&wanted.account, token, *expires_at).map(Some)
    }

    fn keep_token_file(&mut self, path: PathBuf, wanted: Wanted) {
        let account = wanted.account.clone();
        let (contents, problem) = match self.contents(&wanted) {
            Ok(contents) => (contents, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let kept = Kept { account: account.clone(), wanted: Some(wanted), is_running: true, problem };
        self.token_files.files.insert(path.clone(), kept);
        let (store, name) = (self.token_files.store.clone(), account.clone());
        self.start_unowned(async move {
            let place = path.clone();
            // A home folder on a network may hang.
            let kept = tokio::task::spawn_blocking(move || match contents {
                Some(contents) => store.write(&name, &place, &contents),
                None => store.remove(&place),
            });
            let result = kept.await.unwrap_or_else(|_| Err(TokenFileError::Io("the work was broken off".to_owned())));
            Some(JobResult::TokenFileKept(path, result))
        });
    }

    pub(super) fn token_file_kept(&mut self, path: &Path, result: Result<(), TokenFileError>) {
        let Some(kept) = self.token_files.files.get_mut(path) else { return };
        kept.is_running = false;
        let account = &kept.account;
        let holds_token = kept.wanted.as_ref().is_some_and(|wanted| wanted.token.is_some());
        match result {
            Ok(()) => {
                info!(%account, path = %path.display(), written = holds_token && kept.problem.is_none(), "token file");
            }
            Err(error) => {
                warn!(%account, path = %path.display(), "the token file is not kept: {error}");
                kept.problem = Some(error.to_string());
            }
        }
        let is_wanted = |sharing: &Sharing| sharing.token_file.as_ref().is_some_and(|file| file.path.as_path() == path);
        if !holds_token && !self.accounts.values().any(|managed| is_wanted(&managed.account().sharing)) {
            self.token_files.files.remove(path);
        }
        // What changed since the job began.
        self.keep_token_files();
        self.token_files.answer_if_kept();
    }
}
