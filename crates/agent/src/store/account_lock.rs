//! The account's lock between processes: who holds it may rotate the token.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

/// Held until it is dropped; the kernel releases it when the process dies.
#[derive(Debug)]
pub(crate) struct AccountLock(#[expect(dead_code, reason = "closing the file is what releases the lock")] File);

impl AccountLock {
    /// Waits for the lock, on a thread of its own for as long as another process holds it.
    pub(crate) async fn acquire(path: PathBuf) -> io::Result<Self> {
        let locked = tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            file.lock()?;
            Ok(Self(file))
        });
        locked.await.map_err(io::Error::other)?
    }
}
