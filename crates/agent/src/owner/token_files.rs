//! The token files, and what was last done about each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use evertoken_core::account::token_file::{TokenFile, TokenFileForm};
use evertoken_core::account::{AccountName, Sharing};
use evertoken_core::api::status::TokenFileStatus;
use evertoken_core::oauth::token::Fingerprint;
use jiff::Timestamp;

use crate::request::Reply;
use crate::store::token_file::TokenFileStore;

/// What was last done about each file.
pub(super) struct TokenFiles {
    pub(super) store: TokenFileStore,
    pub(super) files: BTreeMap<PathBuf, Kept>,
    /// Who waits until nothing is under way.
    waiting: Vec<Reply<()>>,
}

pub(super) struct Kept {
    pub(super) account: AccountName,
    /// `None`: an agent before this one made the file, and nothing was done about it yet.
    pub(super) wanted: Option<Wanted>,
    pub(super) is_running: bool,
    pub(super) problem: Option<String>,
}

/// What a file should hold now. Without the token itself: this is put together and compared at every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) account: AccountName,
    /// `None`: the file is to be gone.
    pub(super) token: Option<Written>,
}

/// Which token, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) fingerprint: Fingerprint,
    pub(super) expires_at: Timestamp,
    pub(super) form: TokenFileForm,
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

    /// Is a file being written or removed?
    pub(super) fn is_busy(&self) -> bool {
        self.files.values().any(|kept| kept.is_running)
    }

    pub(super) fn answer_if_kept(&mut self) {
        if !self.is_busy() {
            self.waiting.drain(..).for_each(|reply| drop(reply.send(Ok(()))));
        }
    }

    /// What failed is tried once more.
    pub(super) fn try_again(&mut self) {
        self.files.retain(|_, kept| kept.problem.is_none() || kept.is_running);
    }
}
