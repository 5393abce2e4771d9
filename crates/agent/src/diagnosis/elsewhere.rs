//! Tray, notifications and keychain are part of these systems.

use evertoken_core::diagnosis::SessionBus;

#[expect(clippy::unused_async, reason = "as on Linux")]
pub(super) async fn session_bus() -> Option<SessionBus> {
    None
}
