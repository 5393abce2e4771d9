use std::io;

use evertoken_core::config::paths::Paths;
use tokio::net::UnixStream;

/// Connects to the agent's socket.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] and [`io::ErrorKind::ConnectionRefused`]: nobody listens.
/// [`io::ErrorKind::PermissionDenied`]: somebody else listens, or the socket is somebody else's.
pub(crate) async fn connect(paths: &Paths) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(&paths.socket).await?;
    // A log-in sends a refresh token through here: never to another user's process that sits on the path.
    if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user's process listens there"));
    }
    Ok(stream)
}
