//! The socket that a service manager opened for us (sd_listen_fds(3)), or that the agent before this one left open.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use crate::options::LeftSocket;

/// A listening socket from the service manager or from the agent before this one, if there was one. An error when what was
/// handed over is none.
pub(crate) struct Inherited {
    pub(crate) socket: io::Result<Option<UnixListener>>,
    /// Whether its file is an agent's own, to be removed at the end.
    pub(crate) is_own: bool,
}

impl Inherited {
    /// Takes it, and the variables that speak of it away. To be called before anything else in the process.
    pub(crate) fn take(left: Option<LeftSocket>) -> Self {
        let socket = if left.is_some() { on_standard_input() } else { from_the_service_manager() };
        Self { socket, is_own: left == Some(LeftSocket::Own) }
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> Option<PathBuf> {
        let address = self.socket.as_ref().ok()?.as_ref()?.local_addr().ok()?;
        address.as_pathname().map(ToOwned::to_owned)
    }
}

/// Where a program finds what it is to serve since inetd, and what a process can hand to its successor.
fn on_standard_input() -> io::Result<Option<UnixListener>> {
    listening(UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?)).map(Some)
}

fn from_the_service_manager() -> io::Result<Option<UnixListener>> {
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
    listening(socket).map(Some)
}

fn listening(socket: UnixListener) -> io::Result<UnixListener> {
    if rustix::net::sockopt::socket_acceptconn(&socket)? {
        return Ok(socket);
    }
    Err(io::Error::other("it does not listen (Accept=yes?)"))
}
