//! What a keychain is asked to do.

use evertoken_core::keychain::KeychainProblem;
use secrecy::SecretString;

/// What each collection holds; empty for what is no read.
pub(super) type Answer = Result<Vec<SecretString>, KeychainProblem>;

/// What to do with an entry.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Read,
    Write(SecretString),
    Delete,
}
