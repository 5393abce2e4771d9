//! The socket that a service manager opened for us: sd_listen_fds(3).

use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// A listening socket from the service manager, if there was one. An error when what it handed over is none.
pub(crate) struct Inherited(pub(crate) io::Result<Option<UnixListener>>);

impl Inherited {
    /// Takes it, and the variables that speak of it away. To be called before anything else in the process.
    pub(crate) fn take() -> Self {
        Self(socket())
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        let address = self.0.as_ref().ok()?.as_ref()?.local_addr().ok()?;
        address.as_pathname().map(ToOwned::to_owned)
    }
}

fn socket() -> io::Result<Option<UnixListener>> {
    // Meant for this process, and not for one that started it. listenfd would also take those without a name on them.
    let is_ours = std::env::var("LISTEN_PID").is_ok_and(|pid| pid.parse() == Ok(std::process::id()));
    if !is_ours {
        return Ok(None);
    }
    let mut handed_over = listenfd::ListenFd::from_env();
    if handed_over.len() > 1 {
        return Err(io::Error::other(format!("{} sockets were handed over, and one is wanted", handed_over.len())));
    }
    let Some(socket) = handed_over.take_unix_listener(0)? else { return Ok(None) };
    if !rustix::net::sockopt::socket_acceptconn(&socket)? {
        return Err(io::Error::other("it does not listen (Accept=yes?)"));
    }
    Ok(Some(socket))
}
