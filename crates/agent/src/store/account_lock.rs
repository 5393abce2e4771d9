//! The account's lock between processes: who holds it may rotate the token. Every wait for it has a bound.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evertoken_core::api::problem::{Problem, ProblemKind};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::turn::turn;
use crate::system::files::open_lock_file;
use crate::system::lock_holder::{Holder, holder};

/// A rotation takes a few seconds. Who waits longer is told who is in the way.
const WITHIN: Duration = Duration::from_secs(30);
/// Who only reads does not wait long: an access token in the keychain may be handed out beside a lock that is held.
const TO_READ: Duration = Duration::from_secs(2);
/// Between two looks at a lock that another process has: from the first, doubling to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Who has the lock is told by the system at once, or by a machine that is very busy within this.
const NAMED_WITHIN: Duration = Duration::from_secs(2);
/// Threads that may hang in a file system that does not answer. The others are for tokens, journals and files.
const MOST_THREADS: usize = 16;

static THREADS: Semaphore = Semaphore::const_new(MOST_THREADS);

/// Held until it is dropped; the kernel releases it when the process dies.
#[derive(Debug)]
pub(crate) struct AccountLock {
    _file: File,
    _turn: OwnedMutexGuard<()>,
}

/// Why the lock was not got.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountLockError {
    /// Another process has it.
    #[error("{holder} holds the lock {path}", path = path.display())]
    Held { path: PathBuf, holder: Holder },
    /// Somebody has it, and the system does not tell who; or the file system does not answer.
    #[error("the lock {path} did not become free", path = path.display())]
    TimedOut { path: PathBuf },
    /// The file system has no locks, or no lock left (ENOLCK).
    #[error("the file system of {path} gives no locks", path = path.display())]
    NoLocks { path: PathBuf },
    /// The lock's file cannot be used.
    #[error("the lock {path} cannot be used: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl AccountLock {
    /// Waits for the lock, for 30 s at most.
    pub(crate) async fn acquire(path: PathBuf) -> Result<Self, AccountLockError> {
        Self::acquire_within(path, WITHIN).await
    }

    /// Waits for the lock, for 2 s at most.
    pub(crate) async fn acquire_to_read(path: PathBuf) -> Result<Self, AccountLockError> {
        Self::acquire_within(path, TO_READ).await
    }

    async fn acquire_within(path: PathBuf, within: Duration) -> Result<Self, AccountLockError> {
        match Self::acquire_until(&path, Instant::now() + within).await {
            Err(AccountLockError::TimedOut { path }) => {
                let named = in_time(Instant::now() + NAMED_WITHIN, &path, |path| Ok(holder(path))).await;
                Err(match named.ok().flatten() {
                    // What waits in this process for the same holder has no name of its own.
                    Some(holder) if holder.pid != std::process::id() => AccountLockError::Held { path, holder },
                    Some(_) | None => AccountLockError::TimedOut { path },
                })
            }
            outcome => outcome,
        }
    }

    async fn acquire_until(path: &Path, deadline: Instant) -> Result<Self, AccountLockError> {
        let timed_out = || AccountLockError::TimedOut { path: path.to_owned() };
        // Those of this process wait for each other without looking at the file.
        let turn = timeout_at(deadline, turn(path).lock_owned()).await.map_err(|_| timed_out())?;
        let file = Arc::new(in_time(deadline, path, open_lock_file).await?);
        let mut pause = FIRST_PAUSE;
        loop {
            let locked = Arc::clone(&file);
            if in_time(deadline, path, move |_| try_lock(&locked)).await? {
                break;
            }
            if Instant::now() + pause >= deadline {
                return Err(timed_out());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let file = Arc::into_inner(file).ok_or_else(timed_out)?;
        Ok(Self { _file: file, _turn: turn })
    }
}

/// Is it ours now?
fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(fs::TryLockError::WouldBlock) => return Ok(false),
            Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Runs `work` on a thread of its own: a file system on a network may hang. The thread then stays, and counts.
async fn in_time<T: Send + 'static>(
    deadline: Instant,
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, AccountLockError> {
    let timed_out = |_| AccountLockError::TimedOut { path: path.to_owned() };
    let place = path.to_owned();
    let thread = timeout_at(deadline, THREADS.acquire()).await.map_err(timed_out)?;
    let work = tokio::task::spawn_blocking(move || {
        let done = work(&place);
        drop(thread);
        done
    });
    let done = timeout_at(deadline, work).await.map_err(timed_out)?;
    done.map_err(io::Error::other).flatten().map_err(|source| failed(path.to_owned(), source))
}

fn failed(path: PathBuf, source: io::Error) -> AccountLockError {
    if source.kind() == io::ErrorKind::Unsupported || is_out_of_locks(&source) {
        return AccountLockError::NoLocks { path };
    }
    AccountLockError::Io { path, source }
}

#[cfg(unix)]
fn is_out_of_locks(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NOLCK)
}

#[cfg(not(unix))]
const fn is_out_of_locks(_error: &io::Error) -> bool {
    false
}

impl From<AccountLockError> for Problem {
    fn from(error: AccountLockError) -> Self {
        let advice = match &error {
            AccountLockError::Held { .. } => {
                "End that process, then try again; `evertoken doctor` says whether it is gone."
            }
            AccountLockError::TimedOut { .. } => {
                "Try again. If it stays so, look for a process that hangs, or a network file system that does not answer."
            }
            AccountLockError::NoLocks { .. } => "Put the state folder on another disk: set XDG_STATE_HOME.",
            AccountLockError::Io { .. } => "Make the state folder writable and free some space, then try again.",
        };
        let kind = match &error {
            AccountLockError::Held { .. } | AccountLockError::TimedOut { .. } => ProblemKind::TryLater,
            AccountLockError::NoLocks { .. } | AccountLockError::Io { .. } => ProblemKind::Failed,
        };
        Self::new(kind, format!("The account is in use: {error}; the login is kept."), advice)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[tokio::test]
    async fn a_lock_that_is_kept_is_waited_for_with_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let theirs = open_lock_file(&path).unwrap();
        theirs.lock().unwrap();
        let error = AccountLock::acquire_within(path.clone(), Duration::from_millis(50)).await.unwrap_err();
        // The holder is this process: nobody is told to end it.
        assert!(matches!(error, AccountLockError::TimedOut { .. }), "{error}");
        drop(theirs);
        AccountLock::acquire_within(path, Duration::from_secs(5)).await.unwrap();
    }

    #[tokio::test]
    async fn those_of_one_process_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = AccountLock::acquire(path.clone()).await.unwrap();
        let second = tokio::spawn(AccountLock::acquire(path.clone()));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        drop(second.await.unwrap().unwrap());
        let gone = AccountLock::acquire_within(folder.path().join("none/a.lock"), WITHIN).await;
        assert!(matches!(gone, Err(AccountLockError::Io { .. })), "{gone:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_in_place_of_a_lock_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        assert!(AccountLock::acquire(path).await.is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }
}
