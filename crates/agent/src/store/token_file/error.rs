//! Why a file does not hold the token.

use std::io;

/// Why the file does not hold the token: the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFileError {
    /// Something that Evertoken did not make is in its place.
    #[error(
        "something else is there that Evertoken did not make, or no longer knows, and it was left as it is: move it \
         away or delete it, or choose another path"
    )]
    NotOurs,
    /// A folder is there.
    #[error("it is a folder: add the name of a file")]
    Folder,
    /// The system refuses.
    #[error("it cannot be written: {0}")]
    Io(String),
    /// The record of it cannot be kept, and without one the file could not be removed again.
    #[error("the state folder cannot be used: {0}")]
    Record(String),
}

impl From<io::Error> for TokenFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(if error.kind() == io::ErrorKind::NotFound {
            "its folder is not there; make that first".to_owned()
        } else {
            error.kind().to_string()
        })
    }
}
