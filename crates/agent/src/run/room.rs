//! An upgrade: the agent makes room for the next one, which lies in its program's place, and becomes it. The socket listens
//! all the time, so that no client is refused.

use std::io;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::info;

use crate::local_api::Listener;
use crate::owner::Stage;
use crate::system::own_program::OwnProgram;

/// The agent that follows, once everything is ready for it.
pub(super) struct NextAgent {
    program: OwnProgram,
    listener: Listener,
}

/// The local API while it serves.
pub(super) struct Serving {
    pub(super) api: JoinHandle<Listener>,
    pub(super) closing: watch::Sender<bool>,
}

/// Waits until the program is replaced, until nothing is half done, and until everybody who has come in has an answer; then
/// tells the owner to leave. `None` for the program: never.
///
/// What begins between the last two makes it `serve` again, and wait anew.
pub(super) async fn make(
    program: Option<OwnProgram>,
    stages: mpsc::UnboundedSender<Stage>,
    serving: &mut Serving,
    serve: impl Fn(Listener) -> Serving,
) -> NextAgent {
    let Some(mut program) = program else { return std::future::pending().await };
    loop {
        program.replaced().await;
        info!(program = %program.path().display(), "the program was replaced: handing over to the new one when no job is running");
        let is_idle = ask(&stages, Stage::SayWhenIdle).await;
        // A sign-in may have taken ten minutes.
        if !is_idle || !program.would_start().await || serving.closing.send(true).is_err() {
            continue;
        }
        let Ok(listener) = (&mut serving.api).await else { return std::future::pending().await };
        if ask(&stages, Stage::LeaveIfIdle).await {
            return NextAgent { program, listener };
        }
        *serving = serve(listener);
    }
}

async fn ask(stages: &mpsc::UnboundedSender<Stage>, stage: impl FnOnce(oneshot::Sender<bool>) -> Stage) -> bool {
    let (reply, answer) = oneshot::channel();
    stages.send(stage(reply)).is_ok() && answer.await.unwrap_or(false)
}

impl NextAgent {
    /// Becomes it, or if that fails what this process was. Comes back only when it cannot.
    #[cfg(unix)]
    pub(super) fn take_over(self) -> io::Error {
        use crate::options::LeftSocket;
        use std::os::fd::AsFd;
        use std::os::unix::process::CommandExt;
        use std::path::Path;
        use std::process::Command;
        let (socket, left) = match self.listener.leave() {
            Ok(left) => left,
            Err(error) => return error,
        };
        let exec = |program: &Path| match socket.as_fd().try_clone_to_owned() {
            Ok(socket) => {
                let option = format!("--{}={}", LeftSocket::OPTION, left.value());
                Command::new(program).args(self.program.arguments()).arg(option).stdin(socket).exec()
            }
            Err(error) => error,
        };
        let error = exec(self.program.path());
        tracing::error!("the new program cannot be run, so the old one starts again: {error}");
        exec(Path::new("/proc/self/exe"))
    }

    #[cfg(not(unix))]
    pub(super) fn take_over(self) -> io::Error {
        drop(self.listener);
        io::Error::other(format!(
            "the agent cannot hand over to {} on this system; restart it",
            self.program.path().display()
        ))
    }
}
