//! Programs that go on after the one that started them: the agent and the window.

use std::env::{consts::EXE_SUFFIX, current_exe};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::{danger, open_private};

/// In bytes. A log beyond this is started afresh: months of an agent that starts every morning.
const LONGEST_LOG: u64 = 1024 * 1024;
/// In bytes. How much of the end of a log is looked at for its last line.
const LOG_TAIL: u64 = 4096;
/// In characters. A reason that is longer than a few terminal lines is no sentence.
const LONGEST_REASON: usize = 300;

/// One of our programs: beside the one that runs, else whatever the PATH has.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let file = format!("{name}{EXE_SUFFIX}");
    current_exe()
        .ok()
        .map(|own| own.with_file_name(&file))
        .filter(|beside| beside.is_file())
        .unwrap_or_else(|| PathBuf::from(file))
}

/// Lets a program live on its own: no standard input, no hold on a folder. The agent leaves the terminal itself.
pub fn detach(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null());
    #[cfg(unix)]
    {
        command.current_dir("/");
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const DETACHED_PROCESS: u32 = 0x0000_0008;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    command
}

/// Lets a program in the background that is not ours to change live on its own as well: no Ctrl-C from this terminal,
/// none of the files that this process has open, no token of a shell around it.
pub fn detach_wholly(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    {
        close_fds::set_fds_cloexec(3, &[]);
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    for variable in ["VAULT_ACCESS_TOKEN", "EVERTOKEN_PROXY_TOKEN"] {
        command.env_remove(variable);
    }
    detach(command)
}

/// Where a program in the background writes its standard error, for its owner's eyes only.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

impl Log {
    /// Opens a log for appending, and makes its folder; begins afresh when it has grown beyond 1 MiB.
    ///
    /// # Errors
    /// The operating system's, and [`danger`]'s.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            if let Some(danger) = danger(parent) {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, danger));
            }
            let mut folder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
            folder.recursive(true).create(parent)?;
        }
        let file = open_private(path, File::options().append(true).create(true))?;
        if file.metadata()?.len() > LONGEST_LOG {
            file.set_len(0)?;
        }
        let begin = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, begin })
    }

    /// The log as a program's standard error.
    ///
    /// # Errors
    /// The operating system's.
    pub fn stdio(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }

    /// The log as a file that is written to its end.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    /// The last line written since the log was opened, fit for a sentence.
    #[must_use]
    pub fn last_line(&self) -> Option<String> {
        let mut file = open_private(&self.path, File::options().read(true)).ok()?;
        let end = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(self.begin.max(end.saturating_sub(LOG_TAIL)))).ok()?;
        let mut tail = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut tail).ok()?;
        let tail = String::from_utf8_lossy(&tail);
        let line = tail.lines().map(str::trim).rfind(|line| !line.is_empty())?;
        let line = line.strip_prefix("Error: ").or_else(|| line.strip_prefix("error: ")).unwrap_or(line);
        Some(line.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::io::Write;

    #[test]
    fn an_old_failure_is_not_told_as_todays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/agent.log");
        writeln!(Log::open(&path).unwrap().file, "Error: yesterday").unwrap();

        let mut log = Log::open(&path).unwrap();
        assert_eq!(log.last_line(), None);
        writeln!(log.file, "first\nError: \u{1b}the port is in use\n").unwrap();

        assert_eq!(log.last_line().unwrap(), "the port is in use");
    }

    #[test]
    fn a_log_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.log");
        File::create(&path).unwrap().set_len(LONGEST_LOG + 1).unwrap();
        drop(Log::open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_made_in_a_folder_of_another_user() {
        const NOBODY: u32 = 65_534;
        let folder = tempfile::tempdir().unwrap();
        // Root alone can give a folder away.
        if std::os::unix::fs::chown(folder.path(), Some(NOBODY), None).is_err() {
            return;
        }
        for place in [folder.path().to_owned(), folder.path().join("state/evertoken")] {
            assert!(danger(&place).is_some_and(|why| why.contains("belongs to another user")), "{place:?}");
            assert!(Log::open(&place.join("agent.log")).is_err());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_log() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/agent.log");
        drop(Log::open(&path).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
}
