//! The programs that the registry starts at sign-in. The installer writes the same entry.

use std::io;

use evertoken_core::config::paths::Paths;
use windows_registry::CURRENT_USER;

const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
/// Where the Task Manager keeps that a person has switched one off.
const SWITCHED_OFF: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
const NAME: &str = "evertoken-agent";

pub(super) const fn is_desktop_session() -> bool {
    true
}

pub(super) fn has_entry(_paths: &Paths) -> bool {
    CURRENT_USER.open(RUN).is_ok_and(|key| key.get_string(NAME).is_ok())
}

/// Not asked of the system: what was set last.
pub(super) const fn is_on(_paths: &Paths, configured: bool) -> bool {
    configured
}

pub(super) fn set(paths: &Paths, wanted: bool) -> io::Result<()> {
    let entries = CURRENT_USER.create(RUN)?;
    if wanted {
        let _was_on = CURRENT_USER.create(SWITCHED_OFF)?.remove_value(NAME);
        entries.set_string(NAME, format!("\"{}\"", std::env::current_exe()?.display()))?;
    } else if has_entry(paths) {
        entries.remove_value(NAME)?;
    }
    Ok(())
}
