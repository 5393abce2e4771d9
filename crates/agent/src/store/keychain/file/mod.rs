//! Entries in an encrypted file, for machines that have no keychain. Only when the configuration says so.
//!
//! Each call reads the key and the file anew and forgets both: what is decrypted lives for a millisecond. A file that
//! does not open is never written over.

mod key;
mod sealed;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use evertoken_core::keychain::KeychainProblem;
use secrecy::ExposeSecret;
use tracing::warn;

use super::work::{Answer, Work};
use crate::store::journal_file::sync_folder;
use crate::system::fail_point::fail_point;
use key::Key;
pub(super) use key::KeySource;
use sealed::Entries;

/// In bytes. A hundred accounts need a few hundred KiB; what is longer was not written by us.
const LONGEST_FILE: u64 = 16 << 20;

/// The file, and where its key is.
#[derive(Debug)]
pub(super) struct FileKeychain {
    path: PathBuf,
    key: KeySource,
}

impl FileKeychain {
    pub(super) fn new(path: PathBuf, key: KeySource) -> Self {
        Self { path, key }
    }

    /// Does one call. Blocks, for as long as the disk does or another process writes.
    pub(super) fn work(&self, service: &str, user: &str, work: &Work) -> Answer {
        let key = self.key.read()?;
        let _one_writer = match work {
            // A file is replaced as a whole, so a reader sees the one or the other.
            Work::Read => None,
            Work::Write(_) | Work::Delete => Some(self.lock()?),
        };
        let mut entries = self.read(&key)?;
        match work {
            Work::Read => {
                return Ok(entries.get(service, user).map(|value| value.to_owned().into()).into_iter().collect());
            }
            Work::Write(value) => entries.put(service, user, value.expose_secret()),
            Work::Delete if !entries.remove(service, user) => return Ok(Vec::new()),
            Work::Delete => {}
        }
        self.replace(&entries.seal(&key)?).map_err(|error| self.refused("be written", &error)).map(|()| Vec::new())
    }

    /// Holds other processes off until it is dropped. A file of its own, because the keychain file is replaced.
    fn lock(&self) -> Result<File, KeychainProblem> {
        let path = self.path.with_added_extension("in-use");
        let mut options = OpenOptions::new();
        let locked = private(options.write(true).create(true).truncate(false))
            .open(path)
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.refused("be locked", &error))
    }

    fn refused(&self, what: &str, error: &io::Error) -> KeychainProblem {
        warn!("the keychain file {} cannot {what}: {error}", self.path.display());
        KeychainProblem::Refused
    }

    /// Everything in the file; nothing when there is no file.
    fn read(&self, key: &Key) -> Result<Entries, KeychainProblem> {
        let read = File::open(&self.path).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map(|_| bytes)
        });
        match read {
            Ok(bytes) => Entries::open(bytes, key).ok_or_else(|| {
                warn!("the keychain file {} was left as it is: it does not open with this key", self.path.display());
                KeychainProblem::FileNotOurs
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Entries::default()),
            Err(error) => {
                warn!("the keychain file {} cannot be read: {error}", self.path.display());
                Err(KeychainProblem::FileNotRead)
            }
        }
    }

    /// Whole and on the disk, or as it was before. A link stays a link.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let new = target.with_added_extension("new");
        write_new(&new, bytes).and_then(|()| fs::rename(&new, &target)).inspect_err(|_| {
            // It may be what filled the disk.
            let _ = fs::remove_file(&new);
        })?;
        fail_point("keychain-file-renamed");
        sync_folder(&target)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a process that died left behind.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    let mut file = private(options.write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fail_point("keychain-file-written");
    Ok(())
}

/// For the person alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
