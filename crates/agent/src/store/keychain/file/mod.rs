//! Entries in an encrypted file, for machines that have no keychain. Only when the configuration says so.
//!
//! Each call reads the key and the file anew and forgets both: what is decrypted lives for a millisecond. A file that
//! does not open is never written over.

mod key;
mod sealed;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use evertoken_core::keychain::KeychainProblem;
use secrecy::ExposeSecret;
use tracing::warn;

use super::work::{Answer, Work};
use crate::store::journal_file::sync_folder;
use crate::system::fail_point::fail_point;
use crate::system::files::open_lock_file;
use key::Key;
pub(super) use key::KeySource;
use sealed::Entries;

/// In bytes. A hundred accounts need a few hundred KiB; what is longer was not written by us.
const LONGEST_FILE: usize = 16 << 20;
/// In bytes. Far above every token, and small enough that no account's server fills the file for the others.
const LONGEST_ENTRY: usize = 640 << 10;
/// Another process writes for a moment. Less than [`super::LONGEST_CALL`]: a call that was given up does nothing later.
const LOCKED_WITHIN: Duration = Duration::from_secs(4);
const GLANCE: Duration = Duration::from_millis(20);

/// The file, and where its key is.
#[derive(Debug)]
pub(super) struct FileKeychain {
    path: PathBuf,
    key: KeySource,
    /// A process that died leaves its next file behind; this one looks for it once, not at each write.
    swept: Once,
}

impl FileKeychain {
    pub(super) fn new(path: PathBuf, key: KeySource) -> Self {
        Self { path, key, swept: Once::new() }
    }

    /// Why no entry could be read. Blocks, for as long as the disk does.
    pub(super) fn problem(&self) -> Option<KeychainProblem> {
        self.key.read().and_then(|key| self.read(&key)).err()
    }

    /// Does one call. Blocks, for as long as the disk does or another process writes.
    pub(super) fn work(&self, service: &str, user: &str, work: &Work) -> Answer {
        let key = self.key.read()?;
        let _one_writer = match work {
            // A file is replaced as a whole, so a reader sees the one or the other.
            Work::Read => None,
            Work::Write(_) | Work::Delete => Some(self.lock(LOCKED_WITHIN)?),
        };
        let mut entries = self.read(&key)?;
        match work {
            Work::Read => {
                return Ok(entries.get(service, user).map(|value| value.to_owned().into()).into_iter().collect());
            }
            Work::Write(value) if value.expose_secret().len() > LONGEST_ENTRY => {
                return Err(self.refused("be written", &too_large("an entry", LONGEST_ENTRY)));
            }
            Work::Write(value) => entries.put(service, user, value.expose_secret()),
            Work::Delete if !entries.remove(service, user) => return Ok(Vec::new()),
            Work::Delete => {}
        }
        self.replace(&entries.seal(&key)?).map_err(|error| self.refused("be written", &error)).map(|()| Vec::new())
    }

    /// Holds other processes off until it is dropped. A file of its own, because the keychain file is replaced.
    fn lock(&self, within: Duration) -> Result<File, KeychainProblem> {
        let refused = |error| self.refused("be locked", &error);
        let file = open_lock_file(&self.path.with_added_extension("in-use")).map_err(refused)?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(refused(error)),
                Err(TryLockError::WouldBlock) if begin.elapsed() < within => thread::sleep(GLANCE),
                Err(TryLockError::WouldBlock) => {
                    warn!("the keychain file {} is in use by another process", self.path.display());
                    return Err(KeychainProblem::TimedOut);
                }
            }
        }
    }

    fn refused(&self, what: &str, error: &io::Error) -> KeychainProblem {
        warn!("the keychain file {} cannot {what}: {error}", self.path.display());
        KeychainProblem::Refused
    }

    /// Everything in the file; nothing when there is no file.
    fn read(&self, key: &Key) -> Result<Entries, KeychainProblem> {
        let read = File::open(&self.path).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(LONGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
            if bytes.len() > LONGEST_FILE { Err(too_large("it", LONGEST_FILE)) } else { Ok(bytes) }
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
        if bytes.len() > LONGEST_FILE {
            return Err(too_large("it", LONGEST_FILE));
        }
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        self.swept.call_once(|| remove_what_a_dead_writer_left(&target));
        let new = target.with_added_extension(format!("{:016x}.{NEW}", random()?));
        write_new(&new, bytes).and_then(|()| fs::rename(&new, &target)).inspect_err(|_| {
            // It may be what filled the disk.
            let _ = fs::remove_file(&new);
        })?;
        fail_point("keychain-file-renamed");
        sync_folder(&target)
    }
}

fn too_large(what: &str, longest: usize) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("{what} is larger than {} KiB", longest >> 10))
}

/// The end of the name of a next file, after 16 random digits: no file of somebody else is called like that.
const NEW: &str = "new";

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Next files of processes that died. Who has the lock is the only writer.
fn remove_what_a_dead_writer_left(target: &Path) {
    let (Some(folder), Some(name)) = (target.parent(), target.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let is_next = |file: &str| {
        let digits =
            file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(NEW)?.strip_suffix('.'));
        digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        if file.file_name().to_str().is_some_and(is_next) {
            let _ = fs::remove_file(file.path());
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
