//! `config.toml` on disk: read as a whole, replaced as a whole, never overwritten when it cannot be read.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use evertoken_core::api::problem::{Problem, ProblemKind};
use evertoken_core::config::{self, Configuration, ConfigurationError, Edit};

use crate::store::journal_file::sync_folder;
use crate::system::files::read_file;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct ConfigurationFile {
    path: PathBuf,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationFileError {
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{path}: {source}", path = path.display())]
    NotWritten {
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
    /// It does not name accounts that are in use: it is missing, or an editor has not finished.
    #[error("{path} is missing or unfinished: it does not have {what}", path = path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// What is in use and not in the file.
        what: String,
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

    /// What the file says after a change; nothing while there is no file. One that cannot be used, or is without what is
    /// `in_use`, may be half written: it counts once it says the same after a pause.
    pub(crate) fn read_changed(
        &self,
        in_use: &Configuration,
        mut pause: impl FnMut(),
    ) -> Result<Option<Configuration>, ConfigurationFileError> {
        let mut before = None;
        loop {
            let Some(text) = self.text_if_there()? else { return Ok(None) };
            let found = config::parse(&text);
            let is_whole = found.as_ref().is_ok_and(|found| missing(found, in_use, text.trim().is_empty()).is_none());
            if is_whole || before.as_ref() == Some(&text) {
                return found.map(Some).map_err(|source| self.content(source));
            }
            before = Some(text);
            pause();
        }
    }

    /// Changes the file and answers the new configuration. The text is read anew, so that what a person wrote
    /// meanwhile stays. A file without what is `in_use` is left alone: it was moved away, or an editor is at work.
    pub(crate) fn edit(&self, edit: &Edit, in_use: &Configuration) -> Result<Configuration, ConfigurationFileError> {
        let (next, configuration) = self.next(edit, in_use)?;
        next.put_in_place().map_err(|source| self.not_written(source))?;
        Ok(configuration)
    }

    /// Would [`edit`](Self::edit) work now? The disk is asked, and nothing is changed.
    pub(crate) fn takes(&self, edit: &Edit, in_use: &Configuration) -> Result<(), ConfigurationFileError> {
        self.next(edit, in_use).map(drop)
    }

    fn next(&self, edit: &Edit, in_use: &Configuration) -> Result<(Next, Configuration), ConfigurationFileError> {
        let before = self.text()?;
        let found = config::parse(&before).map_err(|source| self.content(source))?;
        if let Some(what) = missing(&found, in_use, before.trim().is_empty()) {
            return Err(ConfigurationFileError::Unfinished { path: self.path.clone(), what });
        }
        let text = edit.apply(&before).map_err(|source| self.content(source))?;
        let configuration = config::parse(&text).map_err(ConfigurationFileError::Edit)?;
        let next = self.prepare(&text).map_err(|source| self.not_written(source))?;
        if self.text()? != before {
            let what = "what it had a moment ago".to_owned();
            return Err(ConfigurationFileError::Unfinished { path: self.path.clone(), what });
        }
        Ok((next, configuration))
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

    /// The file's text; empty where there is no file.
    fn text(&self) -> Result<String, ConfigurationFileError> {
        self.text_if_there().map(Option::unwrap_or_default)
    }

    fn text_if_there(&self) -> Result<Option<String>, ConfigurationFileError> {
        match read_file(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.missing_target() {
                Some(error) => Err(self.io(error)),
                None => Ok(None),
            },
            Err(error) => Err(self.io(error)),
        }
    }

    /// A link stays a link: dotfile managers keep the file elsewhere. Who may read the file stays as it was.
    fn prepare(&self, text: &str) -> io::Result<Next> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = target.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Ok(before) = fs::metadata(&target) {
            file.as_file().set_permissions(before.permissions())?;
        }
        file.as_file().sync_all()?;
        Ok(Next { file, target })
    }

    fn io(&self, source: io::Error) -> ConfigurationFileError {
        ConfigurationFileError::Io { path: self.path.clone(), source }
    }

    fn not_written(&self, source: io::Error) -> ConfigurationFileError {
        ConfigurationFileError::NotWritten { path: self.path.clone(), source }
    }

    fn content(&self, source: ConfigurationError) -> ConfigurationFileError {
        ConfigurationFileError::Content { path: self.path.clone(), source }
    }
}

/// The file's next content, beside it.
struct Next {
    file: tempfile::NamedTempFile,
    target: PathBuf,
}

impl Next {
    fn put_in_place(self) -> io::Result<()> {
        self.file.persist(&self.target)?;
        sync_folder(&self.target)
    }
}

/// What is in use and not in the file.
fn missing(found: &Configuration, in_use: &Configuration, is_empty: bool) -> Option<String> {
    let accounts: Vec<String> =
        in_use.accounts.keys().filter(|name| !found.accounts.contains_key(*name)).map(ToString::to_string).collect();
    match accounts.as_slice() {
        [] => (is_empty && in_use.settings != found.settings).then(|| "the settings that are in use".to_owned()),
        [account] => Some(format!("the account {account}, which is in use")),
        accounts => Some(format!("the accounts {}, which are in use", accounts.join(", "))),
    }
}

impl From<ConfigurationFileError> for Problem {
    fn from(error: ConfigurationFileError) -> Self {
        let configuration = |detail, advice| Self::new(ProblemKind::Configuration, detail, advice);
        match error {
            ConfigurationFileError::Unfinished { .. } => configuration(
                format!("Nothing was changed: {error}."),
                "Try again in a moment. If that does not help, put the file back or save it; if you meant to remove it, restart the agent. \
                The logins stay in the keychain.",
            ),
            ConfigurationFileError::NotWritten { .. } => configuration(
                format!("The configuration cannot be written, and nothing was changed: {error}."),
                "Make room or make the file writable, then try again; the logins are as they were.",
            ),
            ConfigurationFileError::Io { .. } => configuration(
                format!("The configuration cannot be read, and was left as it is: {error}."),
                "Make the file readable, then try again; the logins stay in the keychain.",
            ),
            ConfigurationFileError::Content { .. } => configuration(
                format!("The configuration cannot be used, and was left as it is: {error}."),
                "Fix the file, or move it away to start with an empty one; the logins stay in the keychain.",
            ),
            ConfigurationFileError::Edit(error) => Self::new(
                ProblemKind::InvalidInput,
                format!("Nothing was changed: {error}."),
                "Ask for something else; the logins are as they were.",
            ),
        }
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
        assert!(file.edit(&Edit::SetDefault("a".parse().unwrap()), &Configuration::default()).is_err());
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
        assert!(file.edit(&Edit::ChangeSettings(Default::default()), &Configuration::default()).is_err());
        assert!(!gone.exists() && fs::symlink_metadata(link).unwrap().is_symlink());

        let linked = folder.path().join("evertoken");
        symlink(folder.path().join("nowhere"), &linked).unwrap();
        assert!(ConfigurationFile::new(linked.join("config.toml")).read().is_err());
    }

    #[test]
    fn a_file_without_what_is_in_use_is_left_as_it_is() {
        const WHOLE: &str = "version = 1\n[accounts.a]\nendpoint = \"https://api.example/a\"\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let file = ConfigurationFile::new(path.clone());
        let edit = Edit::ChangeSettings(Default::default());
        let settings_alone = config::parse("version = 1\n[settings]\nkeychain = \"memory\"\n").unwrap();
        let another = format!("{WHOLE}[accounts.b]\nendpoint = \"https://api.example/b\"\n");
        for in_use in [config::parse(WHOLE).unwrap(), settings_alone] {
            assert!(file.edit(&edit, &in_use).is_err() && !path.exists(), "it was moved away");
            fs::write(&path, "").unwrap();
            assert!(file.edit(&edit, &in_use).is_err(), "an editor writes it in place");
            assert_eq!(fs::read_to_string(&path).unwrap(), "");
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, WHOLE).unwrap();
        let error = file.edit(&edit, &config::parse(&another).unwrap()).unwrap_err().to_string();
        assert!(error.ends_with("it does not have the account b, which is in use"), "{error}");
        assert!(file.edit(&edit, &config::parse(WHOLE).unwrap()).is_ok());
        assert!(file.edit(&edit, &Configuration::default()).is_ok(), "an account by hand is no trouble");
    }

    #[test]
    fn a_file_that_an_editor_writes_in_place_is_read_when_it_is_whole() {
        const WHOLE: &str = "version = 1\n[settings]\nrefresh = \"late\"\n\
            [accounts.a]\nendpoint = \"https://api.example/a\"\n\
            [accounts.b]\nendpoint = \"https://api.example/b\"\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let file = ConfigurationFile::new(path.clone());
        let whole = config::parse(WHOLE).unwrap();
        for written in 0..WHOLE.len() {
            fs::write(&path, &WHOLE[..written]).unwrap();
            let read = file.read_changed(&whole, || fs::write(&path, WHOLE).unwrap());
            assert_eq!(read.unwrap(), Some(whole.clone()), "{written} bytes were written");
        }
    }

    #[test]
    fn a_file_that_stays_as_it_is_counts_whatever_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let file = ConfigurationFile::new(path.clone());
        let in_use = config::parse("version = 1\n[accounts.a]\nendpoint = \"https://api.example/a\"\n").unwrap();
        fs::write(&path, "version = 1\n").unwrap();
        assert_eq!(file.read_changed(&in_use, || {}).unwrap(), Some(Configuration::default()));
        fs::write(&path, "version = 1\n[accounts.a\n").unwrap();
        assert!(file.read_changed(&in_use, || {}).is_err());
        assert_eq!(file.read_changed(&in_use, || fs::remove_file(&path).unwrap()).unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn who_may_read_the_file_stays() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "version = 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let unchanged = Edit::ChangeSettings(Default::default());
        ConfigurationFile::new(path.clone()).edit(&unchanged, &Configuration::default()).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_file_stays_linked() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.toml"), folder.path().join("config.toml"));
        fs::write(&real, "version = 1\n# mine\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let unchanged = Edit::ChangeSettings(Default::default());
        ConfigurationFile::new(link.clone()).edit(&unchanged, &Configuration::default()).unwrap();
        assert!(fs::symlink_metadata(link).unwrap().is_symlink());
        assert!(fs::read_to_string(real).unwrap().contains("# mine"));
    }
}
