//! Signals that people, shells and service managers send.

use std::io;

#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::future::poll_fn;
    use std::task::Poll;

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::io;

    /// Signals that are waited for.
    #[derive(Debug)]
    pub(crate) struct Signals(Vec<(Signal, unix::Signal)>);

    impl Signals {
        /// Those that ask the proxy to end. The others keep their meaning: `nohup` is to work.
        pub(crate) fn to_end() -> io::Result<Self> {
            Self::of(&[Signal::TERM, Signal::INT])
        }

        /// Those that a command is to get from whoever ends the proxy.
        pub(crate) fn to_pass_on() -> io::Result<Self> {
            Self::of(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT])
        }

        fn of(signals: &[Signal]) -> io::Result<Self> {
            let wait = |wanted: &Signal| Ok((*wanted, signal(SignalKind::from_raw(wanted.as_raw()))?));
            signals.iter().map(wait).collect::<io::Result<_>>().map(Self)
        }

        pub(crate) async fn next(&mut self) -> Signal {
            poll_fn(|context| {
                let mut signals = self.0.iter_mut();
                let come = signals.find_map(|(name, stream)| stream.poll_recv(context).is_ready().then_some(*name));
                come.map_or(Poll::Pending, Poll::Ready)
            })
            .await
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
    pub(crate) fn to_end() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn to_pass_on() -> io::Result<Self> {
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
