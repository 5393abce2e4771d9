//! The byte stream to the agent: a Unix socket, or a named pipe on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(target_os = "linux")]
pub(crate) use unix::connect_at_once;
#[cfg(windows)]
use windows as platform;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use evertoken_core::config::paths::Paths;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::files::open_private;

/// Connects to the agent's socket; where nobody listens on it, to the one that the agent of this state folder names.
///
/// # Errors
/// Those of [`platform::connect_to`].
pub(crate) async fn connect(paths: &Paths) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    match platform::connect_to(&paths.socket).await {
        Err(error) if crate::unavailable::nobody_listens(&error) => match named_by_the_agent(paths) {
            Some(other) => platform::connect_to(&other).await.map_err(|_| error),
            None => Err(error),
        },
        other => other,
    }
}

/// The other socket of the agent that has this state folder, if it has one. A socket that was left by `ssh -R` leads
/// nowhere else: `EVERTOKEN_START=never` means that one alone.
fn named_by_the_agent(paths: &Paths) -> Option<PathBuf> {
    if !crate::environment::may_start() {
        return None;
    }
    named_socket(paths).filter(|named| *named != paths.socket)
}

/// The socket that the agent of this state folder has named as its own; it may have ended since.
#[must_use]
pub fn named_socket(paths: &Paths) -> Option<PathBuf> {
    let mut named = String::new();
    open_private(&paths.agent_address(), File::options().read(true)).ok()?.read_to_string(&mut named).ok()?;
    Some(PathBuf::from(named.trim_end_matches('\n'))).filter(|named| named.is_absolute())
}
