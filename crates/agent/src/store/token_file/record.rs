//! What is known of each token file: where it is, and which file it is. A small file in the state folder, on the disk
//! before the token file appears.

use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evertoken_core::account::AccountName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::TokenFileError;
use super::place::{Seen, inode};
use crate::store::journal_file::sync_folder;

/// One token file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) path: PathBuf,
    /// Whose token it holds.
    pub(super) account: AccountName,
    /// Random. It names the temporary file beside the token file, so that no other file has that name.
    pub(super) mark: String,
    /// The file that was put in place last.
    pub(super) written: Option<Made>,
    /// The file that is about to be put in place.
    pub(super) next: Option<Made>,
}

/// A file that Evertoken made. One that somebody put in its place, or wrote to, is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    inode: u64,
    /// Of its contents, in hex.
    sha256: String,
}

impl Made {
    pub(super) fn of(metadata: &Metadata, contents: &[u8]) -> Self {
        Self { inode: inode(metadata), sha256: hex(contents) }
    }

    /// Both have to agree: file systems give an inode number away again, and a copy has the same contents.
    pub(super) fn is(&self, seen: &Seen) -> bool {
        self.inode == seen.inode && seen.contents().is_some_and(|contents| hex(&contents) == self.sha256)
    }
}

impl Record {
    pub(super) fn new(account: AccountName, path: PathBuf) -> Result<Self, TokenFileError> {
        let random = || getrandom::u64().map_err(|error| TokenFileError::Record(error.to_string()));
        let mark = format!("{:016x}{:016x}", random()?, random()?);
        Ok(Self { path, account, mark, written: None, next: None })
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.path.with_file_name(format!(".evertoken-{}", self.mark))
    }

    /// Is it a whole file of ours?
    pub(super) fn made(&self, seen: &Seen) -> bool {
        [&self.written, &self.next].into_iter().flatten().any(|made| made.is(seen))
    }

    /// Is it a temporary file of ours, perhaps written in part?
    pub(super) fn is_temporary(&self, seen: &Seen) -> bool {
        let is_new = self.next.as_ref().is_some_and(|next| next.inode == seen.inode);
        let is_unrecorded = self.next.is_none() && seen.length == 0;
        seen.is_file && (is_new || is_unrecorded || self.made(seen))
    }
}

/// The folder of the records: one file for each.
#[derive(Debug, Clone)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn all(&self) -> Vec<Record> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| read(&entry.path())).collect()
    }

    pub(super) fn find(&self, path: &Path) -> Option<Record> {
        read(&self.file_of(path)).filter(|record| record.path == path)
    }

    pub(super) fn save(&self, record: &Record) -> Result<(), TokenFileError> {
        self.replace(record).map_err(|error| TokenFileError::Record(error.kind().to_string()))
    }

    pub(super) fn forget(&self, path: &Path) -> Result<(), TokenFileError> {
        match fs::remove_file(self.file_of(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(TokenFileError::Record(error.kind().to_string()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn replace(&self, record: &Record) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let target = self.file_of(&record.path);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        sync_folder(&target)
    }

    fn file_of(&self, path: &Path) -> PathBuf {
        let name = hex(path.as_os_str().as_encoded_bytes());
        self.folder.join(format!("{}.json", &name[..32]))
    }
}

fn read(file: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
