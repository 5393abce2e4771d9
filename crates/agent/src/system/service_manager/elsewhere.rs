//! Where there is no systemd, nobody asks.

use std::sync::Arc;

use evertoken_core::api::status::StatusReport;
use tokio::sync::watch;

use crate::options::LeftSocket;

/// No socket is ever handed over.
pub(crate) struct Inherited {
    #[cfg(unix)]
    pub(crate) socket: std::io::Result<Option<std::os::unix::net::UnixListener>>,
    #[cfg(unix)]
    pub(crate) is_own: bool,
}

impl Inherited {
    pub(crate) fn take(_left: Option<LeftSocket>) -> Self {
        Self {
            #[cfg(unix)]
            socket: Ok(None),
            #[cfg(unix)]
            is_own: false,
        }
    }

    #[expect(clippy::unused_self, reason = "the signature that Linux needs")]
    pub(crate) const fn place(&self) -> Option<std::path::PathBuf> {
        None
    }
}

pub(crate) fn follow(_reports: watch::Receiver<Arc<StatusReport>>) {}

pub(crate) fn reloading() {}

pub(crate) fn reloaded() {}

pub(crate) fn ending() {}
