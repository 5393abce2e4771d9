//! Ctrl-C, a closed terminal and SIGTERM: the task cleans up and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// How often a waiting task looks whether a program has ended.
const GLANCE: Duration = Duration::from_millis(100);

/// Whether a person wants the task to end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on these signals are remembered instead of ending the process.
    pub(crate) fn catch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot wait for Ctrl-C")?;
        }
        #[cfg(unix)]
        signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&flag))
            .context("cannot wait for the terminal's end")?;
        Ok(Self(flag))
    }

    /// Has one arrived?
    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until one arrives or `is_over` says so.
    pub(crate) fn or_until(&self, mut is_over: impl FnMut() -> bool) {
        while !self.has_come() && !is_over() {
            thread::sleep(GLANCE);
        }
    }
}
