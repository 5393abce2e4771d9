//! Tray, notifications and keychain are part of these systems.

use evertoken_core::api::diagnosis::SessionBus;

pub(super) async fn session_bus() -> Option<(SessionBus, Option<bool>)> {
    None
}
