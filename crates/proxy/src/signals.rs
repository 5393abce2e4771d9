//! Signals that people, shells and service managers send.

use std::io;

#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::io;

    /// The signals that end programs.
    #[derive(Debug)]
    pub(crate) struct Signals {
        terminate: unix::Signal,
        interrupt: unix::Signal,
        hang_up: unix::Signal,
        quit: unix::Signal,
    }

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
                quit: signal(SignalKind::quit())?,
            })
        }

        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.interrupt.recv() => Signal::INT,
                _ = self.hang_up.recv() => Signal::HUP,
                _ = self.quit.recv() => Signal::QUIT,
            }
        }

        /// Passes signals on to a process for as long as this is awaited.
        pub(crate) async fn pass_on(&mut self, id: Option<u32>) {
            let process = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            loop {
                let signal = self.next().await;
                if let Some(process) = process
                    && !(is_from_terminal(signal) && shares_a_terminal())
                {
                    // An error means that it has just ended.
                    let _ = kill_process(process, signal);
                }
            }
        }
    }

    fn is_from_terminal(signal: Signal) -> bool {
        signal == Signal::INT || signal == Signal::QUIT
    }

    /// In the foreground of a terminal its keys reach the command by themselves; twice would be once too often.
    fn shares_a_terminal() -> bool {
        rustix::termios::tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == getpgrp())
    }
}

/// Ctrl-C, where there are no signals. It reaches a command by itself.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) async fn pass_on(&mut self, _id: Option<u32>) {
        loop {
            self.next().await;
        }
    }
}
