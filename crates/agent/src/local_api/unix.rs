//! The Unix socket: 0600 in a folder of 0700, and every peer's user id is checked.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{UnixListener, UnixStream};
use tracing::warn;

use crate::caller::Peer;

/// The socket, held by this process alone.
pub(crate) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    _only_agent: File,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent listens there.
    #[error("another agent already serves {0}: use that one, or end it first")]
    AnotherAgent(PathBuf),
    /// The socket cannot be made.
    #[error("the socket {0} cannot be made: {1}")]
    Io(PathBuf, io::Error),
}

/// Binds the socket, unless another agent has it.
pub(crate) fn bind(path: &Path) -> Result<Listener, BindError> {
    let failed = |error| BindError::Io(path.to_owned(), error);
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let lock = path.with_added_extension("lock");
    let only_agent =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock).map_err(failed)?;
    only_agent.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => BindError::AnotherAgent(path.to_owned()),
        fs::TryLockError::Error(error) => failed(error),
    })?;
    remove_what_a_dead_agent_left(path).map_err(failed)?;
    let socket = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(Listener { socket, path: path.to_owned(), _only_agent: only_agent })
}

/// A socket that nobody serves; anything else in its place is not ours to remove.
fn remove_what_a_dead_agent_left(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is not a socket is in its place")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Listener {
    /// The next client of the same user; `None` for anybody else, and when the system has no more connections.
    pub(crate) async fn accept(&self) -> Option<UnixStream> {
        match self.socket.accept().await {
            Ok((stream, _)) if is_same_user(&stream) => Some(stream),
            Ok(_) => {
                warn!("a process of another user was refused");
                None
            }
            Err(error) => {
                warn!("a client could not be served: {error}");
                // Out of file descriptors: it passes when other clients leave.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                None
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// How many files this process may have open: `wanted` of them, or as many as the system allows.
pub(super) fn open_files(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let enough = maximum.map_or(wanted, |maximum| wanted.min(maximum));
    let allowed = match current {
        Some(current) if current < enough => {
            let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(enough), maximum });
            raised.map_or(current, |()| enough)
        }
        Some(_) | None => enough,
    };
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// The process that connected.
pub(super) fn peer(stream: &UnixStream) -> Peer {
    Peer(stream.peer_cred().ok().and_then(|peer| u32::try_from(peer.pid()?).ok()))
}

fn is_same_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw())
}
