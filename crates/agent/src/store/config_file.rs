//! `config.toml` on disk: read as a whole, replaced as a whole, never overwritten when it cannot be read.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::config::{self, Configuration, ConfigurationError, Edit};

use crate::store::journal_file::sync_folder;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct ConfigurationFile {
    path: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationFileError {
    /// It cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not say what a configuration says.
    #[error("{path}: {source}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConfigurationError,
    },
    /// The file is good, and what was to be written into it is not.
    #[error("{0}")]
    Edit(ConfigurationError),
}

impl ConfigurationFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The configuration; an absent file is an empty one.
    pub(crate) fn read(&self) -> Result<Configuration, ConfigurationFileError> {
        config::parse(&self.text()?).map_err(|source| self.content(source))
    }

    /// Changes the file and answers the new configuration. The text is read anew, so that what a person wrote
    /// meanwhile stays.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<Configuration, ConfigurationFileError> {
        let before = self.text()?;
        config::parse(&before).map_err(|source| self.content(source))?;
        let text = edit.apply(&before).map_err(|source| self.content(source))?;
        let configuration = config::parse(&text).map_err(ConfigurationFileError::Edit)?;
        self.replace(&text).map_err(|source| self.io(source))?;
        Ok(configuration)
    }

    /// Is there a file at all?
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// A link whose target is not there is no missing file: a dotfile manager is at work, or a disk is not mounted.
    fn missing_target(&self) -> Option<io::Error> {
        let links = [Some(self.path.as_path()), self.path.parent()].into_iter().flatten();
        let target = links.filter(|link| !link.exists()).find_map(|link| fs::read_link(link).ok())?;
        let reason = format!("it is a link to {}, which is not there", target.display());
        Some(io::Error::new(io::ErrorKind::NotFound, reason))
    }

    fn text(&self) -> Result<String, ConfigurationFileError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.missing_target() {
                Some(error) => Err(self.io(error)),
                None => Ok(String::new()),
            },
            Err(error) => Err(self.io(error)),
        }
    }

    /// A link stays a link: dotfile managers keep the file elsewhere.
    fn replace(&self, text: &str) -> io::Result<()> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        sync_folder(&target)
    }

    fn io(&self, source: io::Error) -> ConfigurationFileError {
        ConfigurationFileError::Io { path: self.path.clone(), source }
    }

    fn content(&self, source: ConfigurationError) -> ConfigurationFileError {
        ConfigurationFileError::Content { path: self.path.clone(), source }
    }
}

impl From<ConfigurationFileError> for Problem {
    fn from(error: ConfigurationFileError) -> Self {
        if let ConfigurationFileError::Edit(error) = error {
            return Self::new(
                ProblemKind::InvalidInput,
                format!("Nothing was changed: {error}."),
                "Ask for something else; the logins are as they were.",
            );
        }
        Self::new(
            ProblemKind::Configuration,
            format!("The configuration cannot be used, and was left as it is: {error}."),
            "Fix the file, or move it away to start with an empty one; the logins stay in the keychain.",
        )
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "version = 1\n[accounts.a\n").unwrap();
        let file = ConfigurationFile::new(path.clone());
        assert!(file.read().is_err());
        assert!(file.edit(&Edit::SetDefault("a".parse().unwrap())).is_err());
        assert_eq!(fs::read_to_string(path).unwrap(), "version = 1\n[accounts.a\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_an_error_and_stays() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (gone, link) = (folder.path().join("gone.toml"), folder.path().join("config.toml"));
        symlink(&gone, &link).unwrap();
        let file = ConfigurationFile::new(link.clone());
        assert!(file.read().unwrap_err().to_string().contains("gone.toml, which is not there"));
        assert!(file.edit(&Edit::ChangeSettings(Default::default())).is_err());
        assert!(!gone.exists() && fs::symlink_metadata(link).unwrap().is_symlink());

        let linked = folder.path().join("evertoken");
        symlink(folder.path().join("nowhere"), &linked).unwrap();
        assert!(ConfigurationFile::new(linked.join("config.toml")).read().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_file_stays_linked() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("config.toml"));
        fs::write(&real, "version = 1\n# mine\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        ConfigurationFile::new(link.clone()).edit(&Edit::ChangeSettings(Default::default())).unwrap();
        assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        assert!(fs::read_to_string(real).unwrap().contains("# mine"));
    }
}
