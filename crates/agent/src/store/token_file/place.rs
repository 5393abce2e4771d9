//! The place of a token file: looked at without following links, and changed so that a file that somebody puts there at
//! the same moment is not lost.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::TokenFileError;

/// In bytes. What is longer was not written by Evertoken: an access token has at most 64 KiB.
const LONGEST: u64 = 80 << 10;

/// What is at the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// The file that Evertoken put there.
    Ours,
    /// Anything else: a person's file, a link, a folder, a device.
    Other,
}

/// Something that has a name.
pub(super) struct Seen {
    path: PathBuf,
    pub(super) is_file: bool,
    pub(super) inode: u64,
    pub(super) length: u64,
}

impl Seen {
    /// `None`: it is no regular file, too long, or cannot be read.
    pub(super) fn contents(&self) -> Option<Vec<u8>> {
        if !self.is_file || self.length > LONGEST {
            return None;
        }
        let file = open_without_following(&self.path).ok()?;
        let mut bytes = Vec::new();
        let is_same = file.metadata().is_ok_and(|metadata| metadata.is_file() && inode(&metadata) == self.inode);
        file.take(LONGEST + 1).read_to_end(&mut bytes).ok()?;
        is_same.then_some(bytes)
    }
}

/// `None`: there is nothing.
pub(super) fn see(path: &Path) -> io::Result<Option<Seen>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(Seen {
            path: path.to_owned(),
            is_file: metadata.is_file(),
            inode: inode(&metadata),
            length: metadata.len(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn look(path: &Path, is_ours: impl Fn(&Seen) -> bool) -> Result<Found, TokenFileError> {
    Ok(match see(path)? {
        None => Found::Nothing,
        Some(seen) if is_ours(&seen) => Found::Ours,
        Some(_) => Found::Other,
    })
}

/// A new file for the owner alone.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Moves the temporary file to the place, over a file of ours or where nothing is.
pub(super) fn put(temporary: &Path, path: &Path, is_ours: impl Fn(&Seen) -> bool) -> Result<(), TokenFileError> {
    match rename_to_nothing(temporary, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return Ok(other?),
    }
    match exchange(temporary, path) {
        Ok(()) => give_back(temporary, path, is_ours),
        Err(error) if is_unsupported(&error) => match look(path, is_ours)? {
            Found::Other => Err(TokenFileError::NotOurs),
            Found::Nothing | Found::Ours => Ok(fs::rename(temporary, path)?),
        },
        Err(error) => Err(error.into()),
    }
}

/// Removes the file at the place, which is moved aside first, so that what goes is what was looked at.
pub(super) fn remove(path: &Path, aside: &Path, is_ours: impl Fn(&Seen) -> bool) -> Result<(), TokenFileError> {
    rename_to_nothing(path, aside)?;
    match look(aside, is_ours)? {
        Found::Nothing => Ok(()),
        Found::Ours => Ok(fs::remove_file(aside)?),
        Found::Other => {
            rename_to_nothing(aside, path)?;
            Err(TokenFileError::NotOurs)
        }
    }
}

/// What was exchanged for our file is removed when it is ours, and put back when it is not.
pub(super) fn give_back(temporary: &Path, path: &Path, is_ours: impl Fn(&Seen) -> bool) -> Result<(), TokenFileError> {
    match look(temporary, &is_ours)? {
        Found::Nothing => return Ok(()),
        Found::Ours => return Ok(fs::remove_file(temporary)?),
        Found::Other => {}
    }
    match look(path, &is_ours)? {
        Found::Nothing => rename_to_nothing(temporary, path)?,
        Found::Ours => {
            exchange(temporary, path)?;
            fs::remove_file(temporary)?;
        }
        Found::Other => {}
    }
    Err(TokenFileError::NotOurs)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod system {
    use super::{Path, io};
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    /// Where the file system cannot do it, a link does: it never replaces anything.
    pub(super) fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            Err(error) if super::is_unsupported(&error) => {
                std::fs::hard_link(from, to)?;
                std::fs::remove_file(from)
            }
            other => other,
        }
    }

    pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
        Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }

    pub(super) fn open_without_following(path: &Path) -> io::Result<std::fs::File> {
        use rustix::fs::{Mode, OFlags, open};
        // Without waiting: a named pipe may have taken the file's place since.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        Ok(open(path, flags, Mode::empty())?.into())
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod system {
    use super::{Path, io};

    pub(super) fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)?;
        std::fs::remove_file(from)
    }

    pub(super) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn open_without_following(path: &Path) -> io::Result<std::fs::File> {
        std::fs::File::open(path)
    }
}

use system::{exchange, open_without_following, rename_to_nothing};

/// The file system, or the system, does not know how.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

#[cfg(unix)]
pub(super) fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Windows tells it to unsafe code alone: there the contents decide.
#[cfg(not(unix))]
pub(super) const fn inode(_metadata: &Metadata) -> u64 {
    0
}
