//! The Unix socket: 0600 in a folder of 0700, or handed over by systemd; every peer's user id is checked.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{UnixListener, UnixStream};
use tracing::warn;

use crate::options::LeftSocket;
use crate::system::files::{danger, open_lock_file};
use crate::system::peer::Peer;
use crate::system::service_manager::Inherited;

/// A client's connection.
pub(super) type Stream = UnixStream;

/// The socket, held by this process alone.
pub(crate) struct Listener {
    socket: UnixListener,
    /// The socket's file, when it is ours to remove.
    made: Option<SocketFile>,
    _only_agent: File,
}

/// Removed when it goes.
struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent listens there.
    #[error("another agent already serves {0}: use that one, or end it first")]
    AnotherAgent(PathBuf),
    /// Something listens there that is no agent, or not yet.
    #[error("{0} is served by another program, such as systemd's evertoken-agent.socket: it starts the agent itself")]
    Served(PathBuf),
    /// What systemd handed over is of no use.
    #[error("the socket that systemd handed over cannot be used: {0}")]
    Inherited(io::Error),
    /// Others could put a socket of theirs in its place.
    #[error("{0}")]
    Unsafe(String),
    /// The socket cannot be made.
    #[error("the socket {0} cannot be made: {1}")]
    Io(PathBuf, io::Error),
}

/// Takes the socket that was handed over, or binds the one at `path`, unless another agent has it.
pub(crate) fn bind(path: &Path, inherited: Inherited) -> Result<Listener, BindError> {
    let is_own = inherited.is_own;
    match inherited.socket.map_err(BindError::Inherited)? {
        Some(socket) => adopt(socket, is_own, path),
        None => make(path),
    }
}

/// The lock lies beside the socket that it is about, wherever our own would be.
fn adopt(socket: std::os::unix::net::UnixListener, is_own: bool, path: &Path) -> Result<Listener, BindError> {
    let address = socket.local_addr().map_err(BindError::Inherited)?;
    let path = address.as_pathname().unwrap_or(path);
    let only_agent = lock(path)?;
    let made = if is_own { Some(SocketFile::at(path).map_err(BindError::Inherited)?) } else { None };
    socket.set_nonblocking(true).map_err(BindError::Inherited)?;
    let socket = UnixListener::from_std(socket).map_err(BindError::Inherited)?;
    Ok(Listener { socket, made, _only_agent: only_agent })
}

fn make(path: &Path) -> Result<Listener, BindError> {
    let failed = |error| BindError::Io(path.to_owned(), error);
    let found = connect_to(path);
    let only_agent = lock(path)?;
    match found {
        Ok(()) | Err(Errno::AGAIN) => return Err(BindError::Served(path.to_owned())),
        Err(Errno::NOENT | Errno::CONNREFUSED) => {}
        // A datagram socket of another program, for one.
        Err(error) => return Err(failed(error.into())),
    }
    remove_what_a_dead_agent_left(path).map_err(failed)?;
    let socket = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    let made = Some(SocketFile::at(path).map_err(failed)?);
    Ok(Listener { socket, made, _only_agent: only_agent })
}

/// Held by the one agent of this socket.
fn lock(path: &Path) -> Result<File, BindError> {
    let failed = |error| BindError::Io(path.to_owned(), error);
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    if let Some(danger) = danger(folder) {
        return Err(BindError::Unsafe(danger));
    }
    let only_agent = open_lock_file(&path.with_added_extension("lock")).map_err(failed)?;
    only_agent.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => BindError::AnotherAgent(path.to_owned()),
        fs::TryLockError::Error(error) => failed(error),
    })?;
    Ok(only_agent)
}

/// Does somebody listen? Without waiting: a queue that is full (`AGAIN`) is somebody's too.
fn connect_to(path: &Path) -> Result<(), Errno> {
    let address = SocketAddrUnix::new(path)?;
    // In two steps, because macOS has no SOCK_NONBLOCK.
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    connect(&socket, &address)
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
    /// The next client of the same user and the process that connected; `None` for anybody else, and when the system has no
    /// more connections.
    pub(crate) async fn accept(&self) -> Option<(UnixStream, Peer)> {
        match self.socket.accept().await {
            Ok((stream, _)) => {
                let peer = peer_of_the_same_user(&stream);
                if peer.is_none() {
                    warn!("a process of another user was refused");
                }
                Some((stream, peer?))
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

impl Listener {
    /// The socket for the next agent: it listens on, and its file stays. The other value says whether the file is ours.
    pub(crate) fn leave(mut self) -> io::Result<(OwnedFd, LeftSocket)> {
        let is_own = self.made.as_ref().is_some_and(SocketFile::is_there);
        let left = if is_own { LeftSocket::Own } else { LeftSocket::OfServiceManager };
        std::mem::forget(self.made.take());
        Ok((self.socket.into_std()?.into(), left))
    }
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), inode: inode_of(path)? })
    }

    /// Systemd may have put one in its place since.
    fn is_there(&self) -> bool {
        inode_of(&self.path).is_ok_and(|there| there == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode_of(path: &Path) -> io::Result<u64> {
    fs::symlink_metadata(path).map(|metadata| metadata.ino())
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

fn peer_of_the_same_user(stream: &UnixStream) -> Option<Peer> {
    let peer = stream.peer_cred().ok().filter(|peer| peer.uid() == rustix::process::getuid().as_raw())?;
    Some(Peer::new(peer.pid().and_then(|pid| u32::try_from(pid).ok())))
}
