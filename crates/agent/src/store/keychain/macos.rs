//! The login keychain of macOS. Written from the store's documentation, not yet run.

use std::error::Error;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use evertoken_core::keychain::KeychainProblem;
use keyring_core::CredentialStore;

use super::worker::{Modifiers, Opener};

/// Keychain Access shows service and account.
pub(super) const OPENER: Opener = Opener { open, modifiers: |_label| Modifiers::new(), longest_entry: None };

/// Opens the login keychain.
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// A locked keychain comes as `NoStorageAccess`; of the other failures nothing is known.
pub(super) fn failure(_error: &(dyn Error + Send + Sync + 'static)) -> Option<KeychainProblem> {
    None
}

/// Nobody can tell here.
#[expect(clippy::unused_async, reason = "as on Linux")]
pub(super) async fn asks_for_its_password() -> bool {
    false
}

/// There is no more to know about it.
pub(super) fn no_access(_cause: &(dyn Error + Send + Sync + 'static)) -> KeychainProblem {
    KeychainProblem::Locked
}
