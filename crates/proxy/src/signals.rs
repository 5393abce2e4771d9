//! Signals that people, shells and service managers send.

use std::io;

#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::future::poll_fn;
    use std::task::Poll;

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::io;

    /// Signals that are waited for.
    #[derive(Debug)]
    pub(crate) struct Signals(Vec<(Signal, unix::Signal)>);

    impl Signals {
        /// Those that ask the proxy to end.
        pub(crate) fn to_end() -> io::Result<Self> {
            Self::of(&[Signal::TERM, Signal::INT])
        }

        /// Those that a command is to get from whoever ends the proxy.
        pub(crate) fn to_pass_on() -> io::Result<Self> {
            Self::of(&[Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT])
        }

        fn of(signals: &[Signal]) -> io::Result<Self> {
            let ignored = ignored();
            let heeded = signals.iter().filter(|signal| ignored & (1 << (signal.as_raw() - 1)) == 0);
            let wait = |wanted: &Signal| Ok((*wanted, signal(SignalKind::from_raw(wanted.as_raw()))?));
            heeded.map(wait).collect::<io::Result<_>>().map(Self)
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

    /// What `nohup` or a shell's `&` told the proxy and its command to ignore, a bit for each signal. Linux alone says it.
    fn ignored() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    fn is_from_terminal(signal: Signal) -> bool {
        signal == Signal::INT || signal == Signal::QUIT
    }

    /// In the foreground of a terminal its keys reach the command by themselves; twice would be once too often.
    fn shares_a_terminal() -> bool {
        let group = File::open("/dev/tty").and_then(|terminal| Ok(rustix::termios::tcgetpgrp(terminal)?));
        group.is_ok_and(|group| group == getpgrp())
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
