//! Tray, notifications and keychain are part of these systems.

use evertoken_core::api::diagnosis::SessionBus;
use evertoken_core::keychain::KeychainProblem;

pub(super) async fn session_bus() -> Option<(SessionBus, Option<KeychainProblem>)> {
    None
}
