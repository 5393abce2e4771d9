//! The client secret: from a hidden prompt or a file of the person's own, never from an argument.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::oauth::client_authentication::{ClientSecret, LONGEST_CLIENT_SECRET};

const PROMPT: &str = "Client secret (not shown): ";

/// Asks on the terminal, also where the refresh token is piped in.
///
/// # Errors
/// [`ProblemKind::InvalidInput`]; nothing was touched.
pub(crate) fn ask() -> Result<String, Problem> {
    let text = rpassword::prompt_password(PROMPT).map_err(|_| {
        unusable("There is no terminal to ask for the client secret on.", "Use --client-secret-file FILE.")
    })?;
    checked(&text)
}

/// Reads a file that nobody else may read.
///
/// # Errors
/// [`ProblemKind::InvalidInput`]; nothing was touched.
pub(crate) fn from_file(path: &Path) -> Result<String, Problem> {
    let unreadable = |error: &io::Error| {
        unusable(
            &format!("The file {} cannot be read: {}.", path.display(), in_words(error)),
            "Name a file that holds the client secret alone.",
        )
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(unreadable(&io::ErrorKind::IsADirectory.into()));
    }
    if is_open_to_others(&file).map_err(|error| unreadable(&error))? {
        return Err(unusable(
            &format!("The file {} may be read by others, so nothing was taken from it.", path.display()),
            &format!("Run: chmod 600 {}", path.display()),
        ));
    }
    let mut bytes = Vec::new();
    // A few more than a secret may have, so that one that is too long is seen to be.
    file.take(LONGEST_CLIENT_SECRET as u64 + 64).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    checked(&String::from_utf8_lossy(&bytes))
}

/// The message without Rust's "(os error 2)".
fn in_words(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound { "the file does not exist".to_owned() } else { kind.to_string() }
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    const READ_BY_GROUP_OR_OTHERS: u32 = 0o044;
    Ok(file.metadata()?.mode() & READ_BY_GROUP_OR_OTHERS != 0)
}

/// Windows has no mode; a file in the person's own folders is theirs alone.
#[cfg(windows)]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

fn checked(text: &str) -> Result<String, Problem> {
    let read = ClientSecret::read(text).map_err(|error| {
        unusable(&format!("Nothing was changed: {error}."), "Give the client secret alone, in one line of plain text.")
    });
    // The agent reads it in the same way.
    read.map(|_| text.to_owned())
}

fn unusable(detail: &str, advice: &str) -> Problem {
    Problem::new(ProblemKind::InvalidInput, detail, advice)
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_that_others_may_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "s3cret\n").unwrap();
        for (mode, is_taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = from_file(&path);
            assert_eq!(read.is_ok(), is_taken, "{mode:o}");
            let refused = format!("{:?}", read.err());
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_secret_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(from_file(&path).unwrap_err().detail.ends_with("cannot be read: the file does not exist."));
        let refused = from_file(folder.path()).unwrap_err();
        assert!(refused.detail.ends_with("cannot be read: is a directory."), "{refused:?}");
        let long = "x".repeat(LONGEST_CLIENT_SECRET + 100);
        for bad in ["", "\n", "a\nb", long.as_str()] {
            fs::write(&path, bad).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(from_file(&path).unwrap_err().kind, ProblemKind::InvalidInput, "{} bytes", bad.len());
        }
    }
}
