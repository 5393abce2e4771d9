//! Where there is no systemd, nobody asks.

use std::sync::Arc;

use evertoken_core::api::status::StatusReport;
use tokio::sync::watch;

/// No socket is ever handed over.
pub(crate) struct Inherited(#[cfg(unix)] pub(crate) std::io::Result<Option<std::os::unix::net::UnixListener>>);

impl Inherited {
    pub(crate) fn take() -> Self {
        Self(
            #[cfg(unix)]
            Ok(None),
        )
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
