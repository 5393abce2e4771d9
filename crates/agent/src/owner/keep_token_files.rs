//! Keeps the token files as the accounts want them: there while the token is valid, and gone afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evertoken_core::account::token_file::{NotWritable, TokenFile};
use evertoken_core::account::{AccountName, Sharing};
use evertoken_core::login::session::Phase;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::agent::Agent;
use super::finished::{Finished, JobResult};
use super::token_files::{Kept, Wanted, Written};
use crate::store::token_file::TokenFileError;

/// A disk answers at once.
const REMOVED_WITHIN: Duration = Duration::from_secs(2);

impl Agent {
    /// Writes and removes what is not as it should be. Each file is worked on by one job at a time.
    pub(super) fn keep_token_files(&mut self) {
        if self.token_files.files.is_empty() && !self.accounts.is_touched_with_token_file() {
            return;
        }
        let mut wanted = self.wanted_token_files();
        for (path, kept) in &self.token_files.files {
            if self.is_left_to_us(&kept.account) {
                wanted.remove(path);
                continue;
            }
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

    /// After an upgrade the file stays as it is until the keychain was asked for the token.
    fn is_left_to_us(&self, account: &AccountName) -> bool {
        let phase = self.accounts.get(account).map(|managed| managed.session.phase());
        self.is_successor && matches!(phase, Some(Phase::Opening { retry_at: None, .. }))
    }

    fn wanted_token_files(&self) -> BTreeMap<PathBuf, Wanted> {
        let now = self.clock.now();
        let mut wanted = BTreeMap::new();
        for (name, managed) in self.accounts.iter() {
            let Some(TokenFile { path, form }) = &managed.account().sharing.token_file else { continue };
            let valid = managed
                .session
                .access_token()
                .filter(|info| info.remaining(now).is_positive() && !self.rotations.are_ending());
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
        self.accounts.touch(&account);
        let (store, name, reports) = (self.token_files.store.clone(), account.clone(), self.finished.clone());
        tokio::spawn(async move {
            let place = path.clone();
            // A home folder on a network may hang.
            let kept = tokio::task::spawn_blocking(move || match contents {
                Some(contents) => store.write(&name, &place, &contents),
                None => store.remove(&place),
            });
            let result = kept.await.unwrap_or_else(|_| Err(TokenFileError::Io("the work was broken off".to_owned())));
            let _ = reports.send(Finished::unasked(JobResult::TokenFileKept(path, result)));
        });
    }

    /// No login is at stake: a disk that hangs is not waited for.
    pub(super) async fn finish_token_files(&mut self, reports: &mut mpsc::UnboundedReceiver<Finished>) {
        let finish = async {
            while self.token_files.is_busy()
                && let Some(finished) = reports.recv().await
            {
                self.job_finished(finished);
            }
        };
        if tokio::time::timeout(REMOVED_WITHIN, finish).await.is_err() {
            tracing::error!(
                "a token file could not be removed, because its disk does not answer: the next start does it"
            );
        }
    }

    pub(super) fn token_file_kept(&mut self, path: &Path, result: Result<(), TokenFileError>) {
        let Some(kept) = self.token_files.files.get_mut(path) else { return };
        kept.is_running = false;
        let account = &kept.account;
        self.accounts.touch(account);
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
