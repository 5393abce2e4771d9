use std::io;
use std::path::Path;
use std::time::Duration;

use evertoken_core::config::paths::pipe_name;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};

/// `ERROR_PIPE_BUSY`: every instance of the pipe is taken at this moment.
const PIPE_BUSY: i32 = 231;
/// The agent opens the next instance as soon as one is taken, so a short wait is enough.
const BUSY_WAIT: Duration = Duration::from_millis(20);
/// One second of waiting in all.
const BUSY_TRIES: u32 = 50;

/// Connects to the named pipe that stands for a socket.
///
/// # Errors
/// [`io::ErrorKind::NotFound`]: nobody listens.
pub(super) async fn connect_to(socket: &Path) -> io::Result<NamedPipeClient> {
    let name = pipe_name(socket, std::env::var_os("USERNAME"));
    for _ in 0..BUSY_TRIES {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => tokio::time::sleep(BUSY_WAIT).await,
            outcome => return outcome,
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}
