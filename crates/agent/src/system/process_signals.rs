//! Signals that people and service managers send to the process.

use std::io;

/// What a signal asks for.
pub(crate) enum ProcessSignal {
    /// End, in order.
    Quit,
    /// Read the configuration again.
    #[cfg_attr(not(unix), expect(dead_code, reason = "SIGHUP asks for it"))]
    Reload,
}

#[cfg(unix)]
pub(crate) use unix::ProcessSignals;

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{ProcessSignal, io};

    /// SIGTERM, SIGINT and SIGHUP.
    pub(crate) struct ProcessSignals {
        terminate: Signal,
        interrupt: Signal,
        hang_up: Signal,
    }

    impl ProcessSignals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        pub(crate) async fn next(&mut self) -> ProcessSignal {
            tokio::select! {
                _ = self.terminate.recv() => ProcessSignal::Quit,
                _ = self.interrupt.recv() => ProcessSignal::Quit,
                _ = self.hang_up.recv() => ProcessSignal::Reload,
            }
        }
    }
}

/// Ctrl-C, where there are no signals.
#[cfg(not(unix))]
pub(crate) struct ProcessSignals;

#[cfg(not(unix))]
impl ProcessSignals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> ProcessSignal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        ProcessSignal::Quit
    }
}
