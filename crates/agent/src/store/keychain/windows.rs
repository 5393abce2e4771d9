//! The Credential Manager of Windows, which holds 2,560 bytes an entry. Run under Wine.

use std::error::Error;
use std::sync::Arc;

use evertoken_core::keychain::KeychainProblem;
use keyring_core::CredentialStore;
use windows_native_keyring_store::Store;

use super::worker::{Modifiers, Opener};

/// `CRED_MAX_CREDENTIAL_BLOB_SIZE`, in bytes.
const LONGEST_ENTRY: usize = 2560;
/// The entry's name is its label. It stays on this machine: a login that roams with the profile would have two owners.
pub(super) const OPENER: Opener = Opener {
    open,
    modifiers: |_label| Modifiers::from([("persistence", "local")]),
    longest_entry: Some(LONGEST_ENTRY),
};

/// Opens the Credential Manager.
fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// Nothing is known of failures beyond what keyring-core says.
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
