//! Token files on disk: 0600, replaced as a whole, and nothing of a person's own is ever written over.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use evertoken_core::account::token_file::{LONGEST_TOKEN_FILE, is_token_file};
use secrecy::{ExposeSecret, SecretString};

/// Why the file does not hold the token: the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenFileError {
    /// Something that is no token file is in its place.
    #[error("something else is there, and was left as it is: move it away, or choose another path")]
    NotOurs,
    /// The system refuses.
    #[error("it cannot be written: {0}")]
    Io(String),
}

impl From<io::Error> for TokenFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind().to_string())
    }
}

/// Puts the file in place.
pub(crate) fn write(path: &Path, contents: &SecretString) -> Result<(), TokenFileError> {
    refuse_what_is_not_ours(path)?;
    // Made with mode 0600 on Unix.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/")))?;
    file.write_all(contents.expose_secret().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Takes the file away; that there is none is fine.
pub(crate) fn remove(path: &Path) -> Result<(), TokenFileError> {
    refuse_what_is_not_ours(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn refuse_what_is_not_ours(path: &Path) -> Result<(), TokenFileError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(TokenFileError::NotOurs),
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST_TOKEN_FILE + 1).unwrap_or(u64::MAX);
    fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    let is_short = bytes.len() <= LONGEST_TOKEN_FILE;
    let text = String::from_utf8(bytes).map_err(|_| TokenFileError::NotOurs)?;
    if is_short && is_token_file(&text.into()) { Ok(()) } else { Err(TokenFileError::NotOurs) }
}
