//! A launch agent, by the auto-launch crate. Written from its documentation, not yet run.

use std::io;

use auto_launch::AutoLaunchBuilder;
use evertoken_core::config::paths::Paths;

pub(super) const fn is_desktop_session() -> bool {
    true
}

/// The system keeps its own.
pub(super) const fn has_entry(_paths: &Paths) -> bool {
    false
}

/// Not asked of the system: what was set last.
pub(super) const fn is_on(_paths: &Paths, configured: bool) -> bool {
    configured
}

pub(super) fn set(_paths: &Paths, wanted: bool) -> io::Result<()> {
    let program = std::env::current_exe()?.display().to_string();
    let entry = AutoLaunchBuilder::new()
        .set_app_name("evertoken-agent")
        .set_app_path(&program)
        .build()
        .map_err(io::Error::other)?;
    if wanted { entry.enable() } else { entry.disable() }.map_err(io::Error::other)
}
