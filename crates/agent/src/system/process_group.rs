//! A program that is not part of the agent, and what it starts. All of it ends with this value.

use std::io;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// The program, as the leader of its group.
pub(crate) struct ProcessGroup(pub(crate) Child);

impl ProcessGroup {
    /// What it says on standard error may be a secret: it is neither kept nor shown. Standard output is the
    /// caller's to say. It is started on another thread: the disk that the program lies on may hang. A program that
    /// starts when nobody waits for it any more is ended.
    pub(crate) async fn spawn(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let started = tokio::task::spawn_blocking(move || command.spawn().map(Self));
        started.await.map_err(io::Error::other).flatten()
    }
}

#[cfg(unix)]
impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let pid = self.0.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}
