//! The named pipe: its default security lets the same user in, and remote clients are refused.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::sync::Mutex;

use crate::system::peer::Peer;
use crate::system::service_manager::Inherited;

/// The pipe, held by this process alone.
pub(crate) struct Listener {
    name: OsString,
    next: Mutex<NamedPipeServer>,
}

/// Why there is no pipe.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent listens there.
    #[error("another agent already serves {0}: use that one, or end it first")]
    AnotherAgent(PathBuf),
    /// The pipe cannot be made.
    #[error("the pipe {0} cannot be made: {1}")]
    Io(PathBuf, io::Error),
}

/// Makes the pipe, unless another agent has it.
pub(crate) fn bind(path: &Path, _inherited: Inherited) -> Result<Listener, BindError> {
    let name = evertoken_core::config::paths::pipe_name(path, std::env::var_os("USERNAME"));
    let next = ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name);
    match next {
        Ok(next) => Ok(Listener { name, next: Mutex::new(next) }),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(BindError::AnotherAgent(path.to_owned())),
        Err(error) => Err(BindError::Io(path.to_owned(), error)),
    }
}

impl Listener {
    /// The next client.
    pub(crate) async fn accept(&self) -> Option<NamedPipeServer> {
        let mut next = self.next.lock().await;
        next.connect().await.ok()?;
        let fresh = ServerOptions::new().reject_remote_clients(true).create(&self.name).ok()?;
        Some(std::mem::replace(&mut *next, fresh))
    }
}

/// tokio does not tell who connected.
pub(super) const fn peer(_stream: &NamedPipeServer) -> Peer {
    Peer(None)
}

/// Handles are not counted on Windows.
pub(super) const fn open_files(wanted: usize) -> usize {
    wanted
}
