//! Starts the agent when the person logs in to the desktop.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(target_os = "macos")]
use macos as platform;
#[cfg(windows)]
use windows as platform;

use std::io;

use evertoken_core::config::paths::Paths;

/// Does a person's desktop run this agent, rather than a server or a shell from elsewhere?
pub(crate) fn is_desktop_session() -> bool {
    platform::is_desktop_session()
}

/// Is there an entry already, whoever made it?
pub(crate) fn has_entry(paths: &Paths) -> bool {
    platform::has_entry(paths)
}

/// Does it start, as far as the desktop tells? Otherwise what was `configured` counts.
pub(crate) fn is_on(paths: &Paths, configured: bool) -> bool {
    platform::is_on(paths, configured)
}

/// Switches it on or off, for this person and the program that runs now.
///
/// # Errors
/// The operating system's, when its list of programs cannot be changed.
pub(crate) fn set(paths: &Paths, wanted: bool) -> io::Result<()> {
    platform::set(paths, wanted)
}
