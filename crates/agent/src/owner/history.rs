//! What happened to an account's login, and when the machine slept.

use std::io;
use std::time::Duration;

use evertoken_core::login::journal::HistoryAnswer;
use evertoken_core::login::journal::{Entry, Record, with_sleeps};
use jiff::Timestamp;

use super::agent::Agent;
use super::jobs::state_folder;
use crate::request::{AccountRef, Reply};
use crate::store::journal_file::JournalFile;

/// A disk answers at once; one on a network may hang, and a person waits.
const READ_WITHIN: Duration = Duration::from_secs(5);

impl Agent {
    pub(super) fn history(&self, account: AccountRef, reply: Reply<HistoryAnswer>) {
        let context = self.resolve(account).and_then(|name| {
            let context = self.context(&name);
            context.ok_or_else(|| self.unknown_account(&name))
        });
        match context {
            Ok(context) => {
                let sleeps = self.sleeps();
                // It is not waited for at the end: nothing depends on it.
                tokio::spawn(async move {
                    let read = tokio::time::timeout(READ_WITHIN, read(context.journal, sleeps)).await;
                    let silent = || io::Error::new(io::ErrorKind::TimedOut, "its disk does not answer");
                    let answer = read.unwrap_or_else(|_| Err(silent()));
                    drop(reply.send(answer.map_err(|error| state_folder(&error))));
                });
            }
            Err(problem) => drop(reply.send(Err(problem))),
        }
    }

    /// Takes down that the machine slept until now. A disk that wakes up slowly must not delay what is due, and a line
    /// that is lost is only missing from a picture: so this waits for nothing and fails nothing.
    pub(super) fn note_sleep(&self, since: Timestamp) {
        if self.accounts.is_empty() {
            return;
        }
        let slept = Entry { at: self.clock.now(), record: Record::Slept { since } };
        let sleeps = self.sleeps();
        tokio::spawn(async move {
            if let Err(error) = sleeps.note(slept).await {
                tracing::warn!("that the machine slept could not be noted: {error}");
            }
        });
    }

    fn sleeps(&self) -> JournalFile {
        JournalFile::new(self.paths.sleeps())
    }
}

async fn read(journal: JournalFile, sleeps: JournalFile) -> io::Result<HistoryAnswer> {
    let entries = journal.read().await?;
    let sleeps = sleeps.read().await.unwrap_or_else(|error| {
        tracing::warn!("when the machine slept cannot be read: {error}");
        Vec::new()
    });
    Ok(HistoryAnswer { entries: with_sleeps(entries, sleeps) })
}
