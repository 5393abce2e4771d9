use std::io;
use std::os::windows::io::AsHandle as _;
use std::path::Path;
use std::time::Duration;

use evertoken_core::config::paths::pipe_name;
use interprocess::os::windows::named_pipe::DuplexPipeStream;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
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
/// [`io::ErrorKind::NotFound`]: nobody listens. [`io::ErrorKind::PermissionDenied`]: somebody else does.
pub(super) async fn connect_to(socket: &Path) -> io::Result<NamedPipeClient> {
    let name = pipe_name(socket, std::env::var_os("USERNAME"));
    for _ in 0..BUSY_TRIES {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => tokio::time::sleep(BUSY_WAIT).await,
            Ok(pipe) if is_ours(&pipe) => return Ok(pipe),
            Ok(_) => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user's process listens there"));
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// A log-in sends a refresh token through here: never to another user's process that has made the pipe first.
fn is_ours(pipe: &NamedPipeClient) -> bool {
    server_of(pipe).is_some_and(|server| have_one_user(server, std::process::id()))
}

/// The process at the other end, which a second handle of the pipe tells.
fn server_of(pipe: &NamedPipeClient) -> Option<u32> {
    let pipe = DuplexPipeStream::<Bytes>::try_from(pipe.as_handle().try_clone_to_owned().ok()?).ok()?;
    let server = pipe.server_process_id().ok();
    pipe.evade_limbo();
    server
}

/// Whether both processes are the same user's. Whose another user's is, the system does not tell.
fn have_one_user(one: u32, other: u32) -> bool {
    let pids = [one, other].map(Pid::from_u32);
    let Ok(mut system) = System::new() else { return false };
    let what = ProcessRefreshKind::nothing().with_user(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
    let [one, other] = pids.map(|pid| system.process(pid).and_then(|process| process.user_id()));
    one.is_some() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_user_is_unknown_is_not_ours() {
        let own = std::process::id();
        assert!(have_one_user(own, own));
        assert!(!have_one_user(own, u32::MAX));
    }
}
