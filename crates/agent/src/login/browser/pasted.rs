//! What a person brings from a browser on another machine.

use secrecy::SecretString;

use crate::request::Reply;

/// The address that the browser was sent to in the end.
pub(crate) struct Pasted {
    pub(crate) url: SecretString,
    pub(crate) reply: Reply<()>,
}
