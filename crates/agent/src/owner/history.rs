//! What happened to an account's login, and when the machine slept.

use evertoken_core::api::problem::Problem;
use evertoken_core::login::journal::HistoryAnswer;
use evertoken_core::login::journal::{Entry, Record, with_sleeps};
use jiff::Timestamp;

use super::agent::Agent;
use super::jobs::state_folder;
use crate::request::AccountRef;
use crate::store::journal_file::JournalFile;

impl Agent {
    pub(super) fn history(&self, account: AccountRef) -> Result<HistoryAnswer, Problem> {
        let name = self.resolve(account)?;
        let entries = self
            .context(&name)
            .ok_or_else(|| self.unknown_account(&name))?
            .journal
            .read()
            .map_err(|error| state_folder(&error))?;
        let sleeps = self.sleeps().read().unwrap_or_else(|error| {
            tracing::warn!("when the machine slept cannot be read: {error}");
            Vec::new()
        });
        Ok(HistoryAnswer { entries: with_sleeps(entries, sleeps) })
    }

    /// Takes down that the machine slept until now. A disk that wakes up slowly must not delay what is due, and a line
    /// that is lost is only missing from a picture: so this waits for nothing and fails nothing.
    pub(super) fn note_sleep(&self, since: Timestamp) {
        if self.accounts.is_empty() {
            return;
        }
        let slept = Entry { at: self.clock.now(), record: Record::Slept { since } };
        let sleeps = self.sleeps();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = sleeps.note(&slept) {
                tracing::warn!("that the machine slept could not be noted: {error}");
            }
        });
    }

    fn sleeps(&self) -> JournalFile {
        JournalFile::new(self.paths.sleeps())
    }
}
