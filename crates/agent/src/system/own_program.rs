//! The program that this process runs, and whether another one lies in its place: an upgrade.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::warn;

use super::children::keep_variables_from;
use super::file_watch;

/// A program says its version within milliseconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The program's file as it was when this process began.
#[derive(Debug)]
pub(crate) struct OwnProgram {
    path: PathBuf,
    file: FileId,
}

/// What tells a file from one that was put into its place.
type FileId = (u64, u64);

impl OwnProgram {
    /// `None` where it cannot be told.
    pub(crate) fn running() -> Option<Self> {
        let path = std::env::current_exe().ok()?;
        let file = file_id(&path)?;
        Some(Self { path, file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns when another program lies in this one's place, and that one runs on this machine. Costs nothing until then.
    pub(crate) async fn replaced(&self) {
        let (changed_out, mut changed) = mpsc::unbounded_channel();
        tokio::spawn(file_watch::watch(self.path.clone(), changed_out));
        while changed.recv().await.is_some() {
            if file_id(&self.path).is_some_and(|file| file != self.file) && self.runs().await {
                return;
            }
        }
        std::future::pending().await
    }

    async fn runs(&self) -> bool {
        let mut command = Command::new(&self.path);
        keep_variables_from(&mut command);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        let status = tokio::time::timeout(ANSWERS_WITHIN, command.kill_on_drop(true).status()).await;
        let runs = status.is_ok_and(|status| status.is_ok_and(|status| status.success()));
        if !runs {
            warn!(program = %self.path.display(), "the program was replaced by one that does not run; this one goes on");
        }
        runs
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
const fn file_id(_path: &Path) -> Option<FileId> {
    None
}
