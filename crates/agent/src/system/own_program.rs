//! The program that this process runs, and whether another one lies in its place: an upgrade.

use std::ffi::OsString;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tracing::warn;

use super::children::keep_variables_from;
use super::file_watch;
use crate::options::{CHECK_START, STARTS};

/// A program reads its configuration and asks the keychain within this.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// When a program that does not start yet is tried again: libraries come later, permissions are being changed, the keychain is
/// locked. After the last one every hour.
const TRIED_AGAIN_AFTER: [Duration; 3] = [Duration::from_secs(5), Duration::from_mins(1), Duration::from_mins(10)];
const THEN_EVERY: Duration = Duration::from_hours(1);

/// The program's file as it was when this process began.
#[derive(Debug)]
pub(crate) struct OwnProgram {
    path: PathBuf,
    file: FileId,
    arguments: Vec<OsString>,
    changes: UnboundedReceiver<()>,
    failures: usize,
}

/// What tells a file from one that was put into its place.
type FileId = (u64, u64);

impl OwnProgram {
    /// The program, which is started with these arguments. `None` where it cannot be told.
    pub(crate) fn running(arguments: Vec<OsString>) -> Option<Self> {
        let path = std::env::current_exe().ok()?;
        let file = file_id(&path)?;
        let (changes_out, changes) = mpsc::unbounded_channel();
        tokio::spawn(file_watch::watch(path.clone(), changes_out));
        Some(Self { path, file, arguments, changes, failures: 0 })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(unix)]
    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Returns when another program lies in this one's place, and would start. Costs nothing until then.
    pub(crate) async fn replaced(&mut self) {
        loop {
            while self.changes.try_recv().is_ok() {}
            if self.is_other() {
                if self.would_start().await {
                    return;
                }
                let pause = TRIED_AGAIN_AFTER.get(self.failures).copied().unwrap_or(THEN_EVERY);
                self.failures += 1;
                if let Ok(None) = tokio::time::timeout(pause, self.changed()).await {
                    pending::<()>().await;
                }
            } else if self.changed().await.is_none() {
                pending::<()>().await;
            }
        }
    }

    async fn changed(&mut self) -> Option<()> {
        self.changes.recv().await?;
        self.failures = 0;
        Some(())
    }

    fn is_other(&self) -> bool {
        file_id(&self.path).is_some_and(|file| file != self.file)
    }

    /// Does the program in its place say that it would start as this one was started, and that it reads the configuration and
    /// the keychain?
    pub(crate) async fn would_start(&self) -> bool {
        let starts = is_trusted(&self.path) && self.says_that_it_starts().await;
        if !starts {
            warn!(program = %self.path.display(), "the program was replaced, but the new one would not start; the old one keeps running");
        }
        starts
    }

    async fn says_that_it_starts(&self) -> bool {
        let mut command = Command::new(&self.path);
        keep_variables_from(&mut command);
        if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            command.env("CREDENTIALS_DIRECTORY", folder);
        }
        command.args(&self.arguments).arg(format!("--{CHECK_START}")).stdin(Stdio::null()).stderr(Stdio::null());
        let output = tokio::process::Command::from(command).kill_on_drop(true).output();
        let output = tokio::time::timeout(ANSWERS_WITHIN, output).await;
        output.is_ok_and(|output| {
            output.is_ok_and(|output| output.status.success() && output.stdout == STARTS.as_bytes())
        })
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// The owner of the file would be given the keychain.
#[cfg(unix)]
fn is_trusted(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const WRITABLE_BY_ALL: u32 = 0o002;
    let me = rustix::process::geteuid().as_raw();
    path.metadata().is_ok_and(|file| [0, me].contains(&file.uid()) && file.mode() & WRITABLE_BY_ALL == 0)
}

#[cfg(not(unix))]
const fn file_id(_path: &Path) -> Option<FileId> {
    None
}

#[cfg(not(unix))]
const fn is_trusted(_path: &Path) -> bool {
    false
}
