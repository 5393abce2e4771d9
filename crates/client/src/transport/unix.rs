use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use tokio::net::UnixStream;

use crate::files::{is_somebody_elses, me};

/// Connects to a socket.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] and [`io::ErrorKind::ConnectionRefused`]: nobody listens.
/// [`io::ErrorKind::PermissionDenied`]: somebody else listens, or the socket is somebody else's.
pub(super) async fn connect_to(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket).await?;
    check(stream.peer_cred()?.uid(), socket)?;
    Ok(stream)
}

/// The same without a runtime, and without waiting for a place in a queue that is full.
///
/// # Errors
/// As [`connect_to`], and [`io::ErrorKind::WouldBlock`].
#[cfg(target_os = "linux")]
pub(crate) fn connect_at_once(socket: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with, sockopt};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&stream, &SocketAddrUnix::new(socket)?)?;
    check(sockopt::socket_peercred(&stream)?.uid.as_raw(), socket)?;
    let stream = std::os::unix::net::UnixStream::from(stream);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// A log-in sends a refresh token through here: never to another user's process that sits on the path.
fn check(peer: u32, socket: &Path) -> io::Result<()> {
    match peer {
        // For root, who is systemd's user too, the socket's file says whose it is.
        peer if peer == me() && !is_somebody_elses(socket) => Ok(()),
        // Systemd listens before the agent runs, as root. The socket's file then says whose it is.
        0 if is_ours(socket) => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user's process listens there")),
    }
}

/// Only root can give a socket to another user, and in this folder nobody but root and its owner can replace it.
fn is_ours(socket: &Path) -> bool {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let is_socket = fs::symlink_metadata(socket).is_ok_and(|file| file.file_type().is_socket() && file.uid() == me());
    let folder = socket.parent().and_then(|folder| fs::metadata(folder).ok());
    is_socket && folder.is_some_and(|it| [0, me()].contains(&it.uid()) && it.mode() & WRITABLE_BY_OTHERS == 0)
}
