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

#[cfg(windows)]
pub(crate) use windows::ProcessSignals;

#[cfg(windows)]
mod windows {
    use tokio::sync::mpsc;
    use winsafe::prelude::*;

    use super::{ProcessSignal, io};
    use crate::system::hidden_window;

    /// Ctrl-C, and the message by which `taskkill` and installers ask a program to close.
    pub(crate) struct ProcessSignals {
        closes: mpsc::UnboundedReceiver<()>,
    }

    impl ProcessSignals {
        pub(crate) fn new() -> io::Result<Self> {
            let (sender, closes) = mpsc::unbounded_channel();
            hidden_window::open("EvertokenQuit", move |window| {
                // The window stays: the process decides when it ends.
                window.on().wm_close(move || {
                    let _ending = sender.send(());
                    Ok(())
                });
            })?;
            Ok(Self { closes })
        }

        pub(crate) async fn next(&mut self) -> ProcessSignal {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => {}
                Some(()) = self.closes.recv() => {}
                else => std::future::pending().await,
            }
            ProcessSignal::Quit
        }
    }
}
