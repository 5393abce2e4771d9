//! The person's environment, of which a cron job, `su` or a shell over SSH has only a part.

use std::ffi::OsString;

use evertoken_core::config::paths::{NoHome, Paths};
use evertoken_core::present::wall_clock::WallClock;
use jiff::tz::TimeZone;

/// Says whether commands may start an agent: `never`, for a socket that leads to another machine.
const START: &str = "EVERTOKEN_START";

/// A variable that is set to something. `XDG_RUNTIME_DIR` and `DBUS_SESSION_BUS_ADDRESS` are looked for in
/// `/run/user` where they are not set: a command without them means the same session. `LOCALAPPDATA` is what Windows says
/// it is, and nothing elsewhere.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    let set = std::env::var_os(name).filter(|value| !value.is_empty());
    match name {
        "XDG_RUNTIME_DIR" => set.filter(|folder| !session::is_somebody_elses(folder)).or_else(session::folder),
        "DBUS_SESSION_BUS_ADDRESS" => set.or_else(session::bus),
        "LOCALAPPDATA" => local_folder(),
        _ => set,
    }
}

/// Where this person's files are.
///
/// # Errors
/// [`NoHome`] when the environment names no place for the files.
pub fn paths() -> Result<Paths, NoHome> {
    Paths::from_environment(variable)
}

/// The person's time zone, and how their locale writes dates and times.
#[must_use]
pub fn wall_clock() -> WallClock {
    WallClock::of(TimeZone::system(), |name| std::env::var(name).ok())
}

/// Where a client looks: with a socket that is named, no other file is needed.
///
/// # Errors
/// [`NoHome`] when the environment names neither a place for the files nor a socket.
pub fn client_paths() -> Result<Paths, NoHome> {
    paths().or_else(|error| {
        let socket = variable("EVERTOKEN_SOCKET").ok_or(error)?;
        let beside = std::path::Path::new(&socket).parent().map(ToOwned::to_owned).unwrap_or_default();
        Ok(Paths { config: beside.clone(), state: beside, socket: socket.into() })
    })
}

/// May a command start an agent here?
pub(crate) fn may_start() -> bool {
    variable(START).is_none_or(|value| value != "never") && paths().is_ok()
}

/// A variable can be wrong or missing, as in a task that a service starts; the system's list of Known Folders is not.
#[cfg(windows)]
fn local_folder() -> Option<OsString> {
    dirs::data_local_dir().map(Into::into)
}

#[cfg(not(windows))]
const fn local_folder() -> Option<OsString> {
    None
}

#[cfg(target_os = "linux")]
mod session {
    use std::ffi::{OsStr, OsString};
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::{Path, PathBuf};

    use crate::files::{self, me};

    /// After `su` the variable still names the folder of the person before.
    pub(super) fn is_somebody_elses(folder: &OsStr) -> bool {
        files::is_somebody_elses(Path::new(folder))
    }

    /// Made by logind for the person, and for nobody else.
    pub(super) fn folder() -> Option<OsString> {
        let folder = PathBuf::from(format!("/run/user/{}", me()));
        let metadata = fs::symlink_metadata(&folder).ok()?;
        let is_private = metadata.is_dir() && metadata.uid() == me() && metadata.mode() & 0o077 == 0;
        is_private.then(|| folder.into())
    }

    pub(super) fn bus() -> Option<OsString> {
        let bus = PathBuf::from(super::variable("XDG_RUNTIME_DIR")?).join("bus");
        let metadata = fs::symlink_metadata(&bus).ok()?;
        let is_bus = metadata.file_type().is_socket() && metadata.uid() == me();
        is_bus.then(|| format!("unix:path={}", bus.display()).into())
    }
}

#[cfg(not(target_os = "linux"))]
mod session {
    use std::ffi::{OsStr, OsString};

    pub(super) const fn is_somebody_elses(_folder: &OsStr) -> bool {
        false
    }

    pub(super) const fn folder() -> Option<OsString> {
        None
    }

    pub(super) const fn bus() -> Option<OsString> {
        None
    }
}

#[cfg(all(test, windows))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn windows_itself_says_where_the_files_are() {
        let folder = std::path::PathBuf::from(variable("LOCALAPPDATA").unwrap());
        assert!(folder.is_absolute() && folder.is_dir(), "{}", folder.display());
        assert_eq!(variable("localappdata"), std::env::var_os("LOCALAPPDATA"), "the variable is another matter");
    }
}
