use std::path::Path;

/// What a check needs to know of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The permission bits with the sticky bit.
    pub(super) mode: u32,
    /// The owner's user id.
    pub(super) owner: u32,
    pub(super) is_socket: bool,
}

impl Entry {
    /// `None`: there is none, or it cannot be looked at.
    #[cfg(unix)]
    pub(super) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let metadata = std::fs::metadata(path).ok()?;
        let is_socket = metadata.file_type().is_socket();
        Some(Self { mode: metadata.mode() & 0o7777, owner: metadata.uid(), is_socket })
    }

    /// Windows keeps other people out by the profile's access list, which is not looked at.
    #[cfg(not(unix))]
    pub(super) fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self { mode: 0o600, owner: me(), is_socket: true })
    }

    /// May everybody write to it?
    pub(super) const fn is_writable_by_everybody(self) -> bool {
        self.mode & 0o002 != 0
    }

    /// May the group write to it?
    pub(super) const fn is_writable_by_group(self) -> bool {
        self.mode & 0o020 != 0
    }

    /// May only its owner remove what is in this folder?
    pub(super) const fn is_sticky(self) -> bool {
        self.mode & 0o1000 != 0
    }
}

/// The user id that this command runs as.
#[cfg(unix)]
pub(super) fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
pub(super) const fn me() -> u32 {
    0
}
