//! Token files on disk: 0600, replaced as a whole. Evertoken changes and deletes only the files that it made (P10), and
//! knows them by a record in the state folder, never by how they look.

mod error;
mod place;
mod record;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use evertoken_core::account::AccountName;
use evertoken_core::api::problem::{Problem, ProblemKind};
use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::error::TokenFileError;
use self::place::Found;
use self::record::{Made, Record, Records};
use crate::system::fail_point::fail_point;
use crate::system::slow_disk::on_slow_disk;

/// The token files of this state folder.
#[derive(Debug, Clone)]
pub(crate) struct TokenFileStore {
    records: Records,
}

impl TokenFileStore {
    /// `folder` holds the records.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { records: Records::new(folder) }
    }

    /// Every file that was made and not removed since, with its account. An agent that was killed leaves some.
    pub(crate) fn known(&self) -> Vec<(PathBuf, AccountName)> {
        self.records.all().into_iter().map(|record| (record.path, record.account)).collect()
    }

    /// Could a file be kept there? Changes nothing.
    pub(crate) fn check(&self, path: &Path) -> Result<(), TokenFileError> {
        if let Found::Other = self.find(path)? {
            return Err(if path.is_dir() { TokenFileError::Folder } else { TokenFileError::NotOurs });
        }
        // Permissions alone do not tell of a read-only or full disk.
        tempfile::Builder::new().prefix(".evertoken-").tempfile_in(folder_of(path))?;
        Ok(())
    }

    /// [`check`](Self::check) for a person who waits.
    pub(crate) async fn check_in_time(&self, path: &Path) -> Result<(), Problem> {
        let (store, place) = (self.clone(), path.to_owned());
        let checked = on_slow_disk(move || store.check(&place)).await;
        let no_answer = || Err(TokenFileError::Io("its disk does not answer".to_owned()));
        checked.unwrap_or_else(no_answer).map_err(|error| {
            let detail = format!("No token file can be kept at {}: {error}.", path.display());
            Problem::new(ProblemKind::InvalidInput, detail, "Nothing was changed.")
        })
    }

    /// Puts the file in place.
    pub(crate) fn write(
        &self,
        account: &AccountName,
        path: &Path,
        contents: &SecretString,
    ) -> Result<(), TokenFileError> {
        if let Found::Other = self.find(path)? {
            return Err(TokenFileError::NotOurs);
        }
        let mut record = self.record_for(account, path)?;
        let temporary = record.temporary();
        let written = self.write_beside(&mut record, contents);
        let placed = written.and_then(|()| place::put(&temporary, path, |seen| record.made(seen)));
        if placed.is_err() {
            // What is left of it goes now, or with the next start.
            let _ = self.settle(&mut record);
        }
        placed?;
        fail_point("token-file-in-place");
        record.written = record.next.take();
        self.records.save(&record)
    }

    /// Takes the file away; that there is none is fine.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), TokenFileError> {
        let Some(mut record) = self.records.find(path) else {
            return match place::look(path, |_| false)? {
                Found::Nothing => Ok(()),
                Found::Ours | Found::Other => Err(TokenFileError::NotOurs),
            };
        };
        self.settle(&mut record)?;
        let found = place::look(path, |seen| record.made(seen))?;
        let removed = match found {
            Found::Nothing => Ok(()),
            Found::Ours => place::remove(path, &record.temporary(), |seen| record.made(seen)),
            Found::Other => Err(TokenFileError::NotOurs),
        };
        if matches!(removed, Ok(()) | Err(TokenFileError::NotOurs)) {
            self.records.forget(path)?;
        }
        removed
    }

    /// Whose file is there, after what a killed agent left half done was put in order?
    fn find(&self, path: &Path) -> Result<Found, TokenFileError> {
        let Some(mut record) = self.records.find(path) else { return place::look(path, |_| false) };
        self.settle(&mut record)?;
        place::look(path, |seen| record.made(seen))
    }

    fn record_for(&self, account: &AccountName, path: &Path) -> Result<Record, TokenFileError> {
        if let Some(record) = self.records.find(path) {
            return Ok(Record { account: account.clone(), ..record });
        }
        let record = Record::new(account.clone(), path.to_owned())?;
        self.records.save(&record)?;
        Ok(record)
    }

    /// Writes the temporary file. Its record is on the disk before a token is in it.
    fn write_beside(&self, record: &mut Record, contents: &SecretString) -> Result<(), TokenFileError> {
        let mut file = place::create(&record.temporary())?;
        record.next = Some(Made::of(&file.metadata()?, contents.expose_secret().as_bytes()));
        self.records.save(record)?;
        file.write_all(contents.expose_secret().as_bytes())?;
        file.sync_all()?;
        fail_point("token-file-written");
        Ok(())
    }

    /// Finishes what a death cut off: no temporary file stays, and whatever a person put there meanwhile is back.
    fn settle(&self, record: &mut Record) -> Result<(), TokenFileError> {
        let temporary = record.temporary();
        if let Some(seen) = place::see(&temporary)? {
            if record.is_temporary(&seen) {
                fs::remove_file(&temporary)?;
            } else {
                place::give_back(&temporary, &record.path, |seen| record.made(seen))?;
            }
        }
        let Some(next) = record.next.take() else { return Ok(()) };
        if let Found::Ours = place::look(&record.path, |seen| next.is(seen))? {
            record.written = Some(next);
        }
        self.records.save(record)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

#[cfg(all(test, unix))]
mod tests;
