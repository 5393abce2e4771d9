//! Files and folders that others must not be able to lead us by.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file that is only there to be locked, and makes it if there is none. A link is not followed.
///
/// # Errors
/// As [`open_private`].
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    open_private(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Opens a file of ours, which is neither a link nor a pipe: a pipe would keep us waiting for its other end.
///
/// # Errors
/// The operating system's; [`io::ErrorKind::InvalidInput`] for what is no file.
pub fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    match options.open(path) {
        Err(error) if is_link(path) => Err(io::Error::new(error.kind(), "it is a link, which is not followed")),
        Ok(file) if !file.metadata()?.is_file() => Err(not_a_file()),
        other => other,
    }
}

/// The text of a file. A pipe or a device is refused: reading it could wait for ever.
///
/// # Errors
/// The operating system's; [`io::ErrorKind::InvalidInput`] for what is no file.
pub fn read_file(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.is_file() {
        return std::fs::read_to_string(path);
    }
    Err(not_a_file())
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(unix)]
pub(crate) fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What is not there belongs to nobody else.
#[cfg(unix)]
pub(crate) fn is_somebody_elses(path: &Path) -> bool {
    rustix::fs::stat(path).is_ok_and(|metadata| metadata.st_uid != me())
}

/// Why this folder is not safe to keep locks, sockets and journals in: the end of a sentence. `None`: it is. A folder that
/// is not there yet is judged by who owns the one in which it would be made.
#[cfg(unix)]
#[must_use]
pub fn danger(folder: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    let (nearest, metadata) = folder.ancestors().find_map(|folder| Some((folder, folder.metadata().ok()?)))?;
    let shown = nearest.display();
    // Root may do everything anyway.
    if ![me(), 0].contains(&metadata.uid()) {
        return Some(format!("the folder {shown} belongs to another user: run this as that user, or with sudo -H"));
    }
    let is_open = metadata.mode() & WRITABLE_BY_OTHERS != 0 && metadata.mode() & STICKY == 0;
    (nearest == folder && is_open).then(|| {
        format!("others may write to the folder {shown}, and could replace what is in it: run chmod 700 '{shown}'")
    })
}

/// Windows keeps other people out by the profile's access list.
#[cfg(not(unix))]
#[must_use]
pub const fn danger(_folder: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn neither_a_link_nor_a_pipe_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, link, pipe) = (folder.path().join("mine"), folder.path().join("link"), folder.path().join("pipe"));
        fs::write(&mine, "mine").unwrap();
        std::os::unix::fs::symlink(&mine, &link).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let open = |path: &Path| open_private(path, OpenOptions::new().read(true).append(true).create(true));
        assert!(open(&mine).is_ok());
        assert_eq!(open(&link).unwrap_err().to_string(), "it is a link, which is not followed");
        assert_eq!(open(&pipe).unwrap_err().to_string(), "it is not a file");
        assert_eq!(read_file(&link).unwrap(), "mine");
        assert_eq!(read_file(&pipe).unwrap_err().to_string(), "it is not a file");
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, is_safe) in [(0o700, true), (0o755, true), (0o770, false), (0o777, false), (0o1777, true)] {
            fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(danger(folder.path()).is_none(), is_safe, "{mode:o}");
        }
    }
}
