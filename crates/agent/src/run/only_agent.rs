//! One agent for a state folder, however a person comes: two would have two icons and two truths. A file in the folder
//! is locked by the agent that runs, and another one names its socket.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use evertoken_client::named_socket;
use evertoken_core::config::paths::Paths;

use super::start_error::StartError;
use crate::system::fail_point;
use crate::system::files::{danger, open_lock_file, open_private};
use crate::system::hand_over::ask_to_end;
use crate::system::service_manager::Inherited;

/// Held for as long as the agent runs; the kernel releases it when the process dies.
pub(super) struct OnlyAgent {
    _lock: Option<File>,
}

impl OnlyAgent {
    /// Claims the state folder. An agent that systemd started on its own socket asks the one that runs to end: programs
    /// connect to systemd's socket from now on.
    pub(super) fn claim(paths: &Paths, inherited: &Inherited) -> Result<Self, StartError> {
        if let Some(danger) = danger(&paths.state) {
            return Err(StartError::Unsafe(danger));
        }
        // A test of what holds with two of them.
        if fail_point::is_set("two-agents") {
            return Ok(Self { _lock: None });
        }
        let (path, address) = (paths.running_agent(), paths.agent_address());
        let (lock, is_free) = open_and_try_lock(&path)?;
        let handed_over = inherited.place();
        let is_ours = is_free || (handed_over.is_some() && ask_to_end(&path, || try_lock(&lock))?);
        if !is_ours {
            return Err(StartError::AnotherAgent(named_socket(paths).unwrap_or_else(|| paths.socket.clone())));
        }
        if let Err(error) = name_socket(&address, handed_over.as_ref().unwrap_or(&paths.socket)) {
            tracing::warn!("could not record the agent's socket in {}: {error}", address.display());
        }
        Ok(Self { _lock: Some(lock) })
    }
}

/// Open for reading, because a file that is open for writing keeps its disk from being made read-only. Where locks are for
/// writers only (NFS), for writing.
fn open_and_try_lock(path: &Path) -> io::Result<(File, bool)> {
    let open = || open_private(path, OpenOptions::new().read(true));
    let lock = open().or_else(|_| open_lock_file(path).and_then(|_| open()))?;
    match try_lock(&lock) {
        Ok(is_free) => Ok((lock, is_free)),
        Err(_) => {
            let lock = open_lock_file(path)?;
            let is_free = try_lock(&lock)?;
            Ok((lock, is_free))
        }
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn name_socket(path: &Path, socket: &Path) -> io::Result<()> {
    let mut file = open_private(path, OpenOptions::new().write(true).create(true).truncate(true))?;
    file.write_all(socket.as_os_str().as_encoded_bytes())?;
    file.write_all(b"\n")
}
