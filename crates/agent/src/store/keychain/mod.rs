//! The operating system's keychain, or what stands for it: entries by user name under one service name.
//!
//! Keychains block: on a window that asks for a password, on a daemon that is just starting. So each call is made
//! on a thread of its own and given up after [`LONGEST_CALL`]. Giving up means *locked or slow*, never *absent*, and a
//! write that was given up may still land later.

mod file;
mod parts;
mod problem;
#[cfg(test)]
mod tests;
mod work;
mod worker;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(windows)]
use windows as platform;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evertoken_core::keychain::KeychainProblem;
use secrecy::SecretString;
use tokio::sync::mpsc;

use file::{FileKeychain, KeySource};
use work::Work;
use worker::{Source, Workers};

use crate::system::slow_disk::on_slow_disk;

/// Longest wait for one call. An unlocked keychain answers within 0.1 s, its start included.
pub const LONGEST_CALL: Duration = Duration::from_secs(5);

/// A keychain. Clones are the same keychain.
#[derive(Debug, Clone)]
pub struct Keychain(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Os(Arc<Workers>),
    File(Arc<Workers>, Arc<FileKeychain>),
    Memory(Arc<Mutex<HashMap<String, SecretString>>>),
}

impl Keychain {
    /// The operating system's keychain, with entries under the name `service`. Nothing is opened before the first call.
    #[must_use]
    pub fn os(service: &str) -> Self {
        Self(Backend::Os(Arc::new(Workers::new(service, Source::Store(platform::OPENER)))))
    }

    /// An encrypted file. Its key is the file `key`, or without one the service manager's credential `evertoken-key` in
    /// the folder `credentials`. Nothing is read before the first call.
    #[must_use]
    pub fn file(service: &str, path: PathBuf, key: Option<PathBuf>, credentials: Option<OsString>) -> Self {
        let file = Arc::new(FileKeychain::new(path, KeySource::of(key, credentials)));
        Self(Backend::File(Arc::new(Workers::new(service, Source::File(Arc::clone(&file)))), file))
    }

    /// A keychain that forgets everything when the process ends.
    #[must_use]
    pub fn memory() -> Self {
        Self(Backend::Memory(Arc::default()))
    }

    /// Does it forget everything when the process ends?
    #[must_use]
    pub fn forgets(&self) -> bool {
        match &self.0 {
            Backend::Os(_) | Backend::File(..) => false,
            Backend::Memory(_) => true,
        }
    }

    /// Is it the operating system's? Then [`watch`] can say when it comes back.
    #[must_use]
    pub fn is_of_the_system(&self) -> bool {
        match &self.0 {
            Backend::Os(_) => true,
            Backend::File(..) | Backend::Memory(_) => false,
        }
    }

    /// Why the keychain file cannot be used; `None` when it can, and of a keychain that is no file. No call of a rotation
    /// waits for it.
    pub async fn file_problem(&self) -> Option<KeychainProblem> {
        match &self.0 {
            Backend::File(_, file) => {
                let file = Arc::clone(file);
                on_slow_disk(move || file.problem()).await.unwrap_or(Some(KeychainProblem::FileNotRead))
            }
            Backend::Os(_) | Backend::Memory(_) => None,
        }
    }

    /// The entry's value in one of the keychain's collections, see [`Self::read_all`].
    ///
    /// # Errors
    /// [`KeychainProblem`] when the keychain did not answer the question.
    pub async fn read(&self, user: &str) -> Result<Option<SecretString>, KeychainProblem> {
        Ok(self.read_all(user).await?.into_iter().next())
    }

    /// The entry's value in each collection that has one; empty when none has. A keychain that was never unlocked may say so of an
    /// entry that it holds.
    ///
    /// # Errors
    /// [`KeychainProblem`] when the keychain did not answer the question.
    pub async fn read_all(&self, user: &str) -> Result<Vec<SecretString>, KeychainProblem> {
        match &self.0 {
            Backend::Os(workers) => explained(workers.call(user, Work::Read).await).await,
            Backend::File(workers, _) => workers.call(user, Work::Read).await,
            Backend::Memory(entries) => Ok(lock(entries).get(user).cloned().into_iter().collect()),
        }
    }

    /// Writes the entry, over the one that is there.
    ///
    /// # Errors
    /// [`KeychainProblem`] when the keychain did not confirm it.
    pub async fn write(&self, user: &str, value: SecretString) -> Result<(), KeychainProblem> {
        match &self.0 {
            Backend::Os(workers) => explained(workers.call(user, Work::Write(value)).await).await.map(drop),
            Backend::File(workers, _) => workers.call(user, Work::Write(value)).await.map(drop),
            Backend::Memory(entries) => {
                lock(entries).insert(user.to_owned(), value);
                Ok(())
            }
        }
    }

    /// Deletes the entry; that there is none is fine.
    ///
    /// # Errors
    /// [`KeychainProblem`] when the keychain did not confirm it.
    pub async fn delete(&self, user: &str) -> Result<(), KeychainProblem> {
        match &self.0 {
            Backend::Os(workers) => explained(workers.call(user, Work::Delete).await).await.map(drop),
            Backend::File(workers, _) => workers.call(user, Work::Delete).await.map(drop),
            Backend::Memory(entries) => {
                lock(entries).remove(user);
                Ok(())
            }
        }
    }
}

/// Why it does not answer, where that can be told.
async fn explained<T>(answer: Result<T, KeychainProblem>) -> Result<T, KeychainProblem> {
    match answer {
        Err(KeychainProblem::TimedOut) if platform::asks_for_its_password().await => {
            Err(KeychainProblem::PasswordAsked)
        }
        answer => answer,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a message whenever the operating system's keychain may have become usable: it appeared, was replaced or was
/// unlocked. Runs for as long as somebody receives; where the system does not tell, it never sends.
pub async fn watch(sender: mpsc::UnboundedSender<()>) {
    #[cfg(target_os = "linux")]
    linux::watch(sender).await;
    #[cfg(not(target_os = "linux"))]
    sender.closed().await;
}
