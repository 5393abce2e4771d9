use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use tokio::net::UnixStream;

/// Connects to a socket.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] and [`io::ErrorKind::ConnectionRefused`]: nobody listens.
/// [`io::ErrorKind::PermissionDenied`]: somebody else listens, or the socket is somebody else's.
pub(super) async fn connect_to(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket).await?;
    // A log-in sends a refresh token through here: never to another user's process that sits on the path.
    match stream.peer_cred()?.uid() {
        // For root, who is systemd's user too, the socket's file says whose it is.
        peer if peer == me() && !is_somebody_elses(socket) => Ok(stream),
        // Systemd listens before the agent runs, as root. The socket's file then says whose it is.
        0 if is_ours(socket) => Ok(stream),
        _ => Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user's process listens there")),
    }
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn is_somebody_elses(socket: &Path) -> bool {
    fs::metadata(socket).is_ok_and(|file| file.uid() != me())
}

/// Only root can give a socket to another user, and in this folder nobody but root and its owner can replace it.
fn is_ours(socket: &Path) -> bool {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let is_socket = fs::symlink_metadata(socket).is_ok_and(|file| file.file_type().is_socket() && file.uid() == me());
    let folder = socket.parent().and_then(|folder| fs::metadata(folder).ok());
    is_socket && folder.is_some_and(|it| [0, me()].contains(&it.uid()) && it.mode() & WRITABLE_BY_OTHERS == 0)
}
