//! What a keychain's error means for the login.

use evertoken_core::keychain::KeychainProblem;
use keyring_core::Error;

/// What was being done when the error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Opening,
    Reading,
    Writing,
}

/// Can a new connection to the keychain change the outcome?
pub(super) fn is_worth_a_new_store(error: &Error) -> bool {
    matches!(error, Error::PlatformFailure(_))
}

/// The decision that an error asks for. An absent entry is no error and never comes here.
pub(super) fn problem(error: &Error, step: Step) -> KeychainProblem {
    // The text of a keychain's error names the call, not the value.
    tracing::debug!(%error, ?step, "the keychain's own words");
    let otherwise = match step {
        Step::Opening | Step::Reading => KeychainProblem::Unavailable,
        Step::Writing => KeychainProblem::Refused,
    };
    if let Error::NoStorageAccess(cause) = error {
        super::platform::no_access(cause.as_ref())
    } else if let Error::PlatformFailure(cause) = error {
        super::platform::failure(cause.as_ref()).unwrap_or(otherwise)
    } else {
        // Too long a value, a store in disorder, and whatever a later version of keyring-core may add.
        otherwise
    }
}
