//! The name under which Windows shows our notifications (AppUserModelID). It is in the person's part of the registry, so that
//! buttons work without a shortcut in the start menu, too.

use windows_registry::{CURRENT_USER, Result};

/// The installer gives its shortcut the same one.
pub(super) const APP_ID: &str = "Evertoken";
const CLASSES: &str = r"Software\Classes\AppUserModelId";

pub(super) fn register() {
    if let Err(error) = write() {
        tracing::warn!(%error, "Windows does not know our notifications' name");
    }
}

fn write() -> Result<()> {
    CURRENT_USER.create(format!(r"{CLASSES}\{APP_ID}"))?.set_string("DisplayName", "Evertoken")
}
