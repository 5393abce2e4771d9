//! An upgrade: the agent makes room for the next one, which lies in its program's place, and becomes it. The socket listens
//! all the time, so that no client is refused.

use std::io;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::info;

use crate::local_api::Listener;
use crate::owner::Stage;
use crate::system::own_program::OwnProgram;

/// The agent that follows, once everything is ready for it.
pub(super) struct NextAgent {
    program: PathBuf,
    listener: Listener,
}

/// Waits until the program is replaced, until nothing is half done, and until everybody who has come in has an answer; then
/// tells the owner to leave. `None` for the program: never.
pub(super) async fn make(
    program: Option<OwnProgram>,
    stages: mpsc::UnboundedSender<Stage>,
    closing: watch::Sender<bool>,
    api: &mut JoinHandle<Listener>,
) -> NextAgent {
    if let Some(program) = program {
        program.replaced().await;
        info!(program = %program.path().display(), "the program was replaced: the agent makes room for the next one");
        let (idle_out, idle) = oneshot::channel();
        let is_told = stages.send(Stage::SayWhenIdle(idle_out)).is_ok() && idle.await.is_ok();
        if is_told
            && closing.send(true).is_ok()
            && let Ok(listener) = api.await
        {
            let _ = stages.send(Stage::Leave);
            return NextAgent { program: program.path().to_owned(), listener };
        }
    }
    std::future::pending().await
}

impl NextAgent {
    /// Becomes it. Comes back only when it cannot.
    #[cfg(unix)]
    pub(super) fn take_over(self) -> io::Error {
        use crate::options::LeftSocket;
        let (socket, left) = match self.listener.leave() {
            Ok(left) => left,
            Err(error) => return error,
        };
        let of_an_earlier_one = format!("--{}=", LeftSocket::OPTION);
        let arguments = std::env::args_os().skip(1);
        let arguments = arguments.filter(|word| !word.as_encoded_bytes().starts_with(of_an_earlier_one.as_bytes()));
        let mut command = std::process::Command::new(self.program);
        command.args(arguments).arg(format!("{of_an_earlier_one}{}", left.value())).stdin(socket);
        std::os::unix::process::CommandExt::exec(&mut command)
    }

    #[cfg(not(unix))]
    pub(super) fn take_over(self) -> io::Error {
        drop(self.listener);
        io::Error::other(format!("a process cannot become {} on this system", self.program.display()))
    }
}
