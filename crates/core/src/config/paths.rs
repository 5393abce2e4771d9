//! Where Evertoken's files are, from the environment alone (XDG Base Directory Specification 0.8).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::account::{AccountId, AccountName};

/// The folders and the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml` is here.
    pub config: PathBuf,
    /// Journals, locks and the log of an agent in the background are here.
    pub state: PathBuf,
    /// The local API.
    pub socket: PathBuf,
}

/// Neither the folder itself nor a home folder is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither {0} nor HOME is set, so there is no place for Evertoken's files: set one of them")]
pub struct NoHome(&'static str);

/// The folder of our own in each of the base folders.
const FOLDER: &str = "evertoken";

impl Paths {
    /// The paths that an environment asks for; `variable` looks one variable up.
    ///
    /// `EVERTOKEN_SOCKET` overrides the socket. Without `XDG_RUNTIME_DIR` the socket lies in the state folder.
    /// Windows keeps everything under `LOCALAPPDATA`, and the local API is a named pipe.
    ///
    /// # Errors
    /// [`NoHome`] when the environment names no place for the files.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoHome> {
        let folder =
            |name: &str| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from).filter(|p| p.is_absolute());
        let home = folder("HOME").or_else(|| folder("USERPROFILE"));
        let local = folder("LOCALAPPDATA");
        let base = |xdg: &'static str, below_home: &str| {
            folder(xdg)
                .or_else(|| local.clone())
                .or_else(|| home.as_ref().map(|home| home.join(below_home)))
                .map(|base| base.join(FOLDER))
                .ok_or(NoHome(xdg))
        };
        let config = base("XDG_CONFIG_HOME", ".config")?;
        let state = base("XDG_STATE_HOME", ".local/state")?;
        let socket = folder("EVERTOKEN_SOCKET").unwrap_or_else(|| {
            folder("XDG_RUNTIME_DIR").map_or_else(|| state.clone(), |run| run.join(FOLDER)).join("agent.sock")
        });
        Ok(Self { config, state, socket })
    }

    /// The configuration.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// An account's journal.
    #[must_use]
    pub fn journal(&self, account: &AccountId) -> PathBuf {
        self.state.join(format!("{account}.journal"))
    }

    /// Where an earlier version kept an account's journal.
    #[must_use]
    pub fn old_journal(&self, account: &AccountName) -> PathBuf {
        self.state.join(format!("{account}.journal"))
    }

    /// When the machine slept: one file for all accounts, with a name that no account's file can have.
    #[must_use]
    pub fn sleeps(&self) -> PathBuf {
        self.state.join("sleep.jsonl")
    }

    /// An account's lock, shared by every process that may rotate its token.
    #[must_use]
    pub fn lock(&self, account: &AccountId) -> PathBuf {
        self.state.join(format!("{account}.lock"))
    }

    /// Locked by the one agent that has this state folder.
    #[must_use]
    pub fn running_agent(&self) -> PathBuf {
        self.state.join("agent.running")
    }

    /// Names that agent's socket. A file of its own, because Windows lets nobody read a locked one.
    #[must_use]
    pub fn agent_address(&self) -> PathBuf {
        self.state.join("agent.address")
    }

    /// What is known of the token files that were made: one file for each.
    #[must_use]
    pub fn token_files(&self) -> PathBuf {
        self.state.join("token-files")
    }

    /// The encrypted file that stands for a keychain, unless the configuration names another.
    #[must_use]
    pub fn keychain_file(&self) -> PathBuf {
        self.state.join("keychain.sealed")
    }

    /// Where an agent that was started in the background writes its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("agent.log")
    }
}

/// The named pipe that stands for a socket on Windows: the socket's own path when it names a pipe, else one of the user
/// for this path.
#[must_use]
pub fn pipe_name(socket: &Path, user: Option<OsString>) -> OsString {
    const PIPES: &str = r"\\.\pipe\";
    if socket.to_str().is_some_and(|path| path.starts_with(PIPES)) {
        return socket.into();
    }
    let mut name = OsString::from(format!("{PIPES}evertoken-"));
    name.push(user.unwrap_or_default());
    let digest = Sha256::digest(socket.as_os_str().as_encoded_bytes());
    name.push(digest.iter().take(4).fold("-".to_owned(), |name, byte| format!("{name}{byte:02x}")));
    name
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use crate::absolute::absolute;

    fn paths(variables: &[(&str, &str)]) -> Result<Paths, NoHome> {
        let value = |text: &str| if text.starts_with('/') { absolute(text) } else { text.to_owned() };
        Paths::from_environment(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| value(v).into()))
    }

    #[test]
    fn files_are_where_the_desktop_says() {
        let found = paths(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_RUNTIME_DIR", "/run/user/1")]).unwrap();
        assert_eq!(found.config_file(), PathBuf::from(absolute("/c/evertoken/config.toml")));
        assert_eq!(found.state, PathBuf::from(absolute("/h/.local/state/evertoken")));
        assert_eq!(found.socket, PathBuf::from(absolute("/run/user/1/evertoken/agent.sock")));
    }

    #[test]
    fn a_relative_folder_is_ignored_as_the_specification_asks() {
        let found = paths(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "c")]).unwrap();
        assert_eq!(found.config, PathBuf::from(absolute("/h/.config/evertoken")));
    }

    #[test]
    fn a_pipe_that_is_named_is_the_one_that_is_used() {
        let named = Path::new(r"\\.\pipe\mine");
        assert_eq!(pipe_name(named, Some("eve".into())), named);
        let of_path = |path: &str| pipe_name(Path::new(path), Some("eve".into())).into_string().unwrap();
        assert!(of_path(r"C:\a\agent.sock").starts_with(r"\\.\pipe\evertoken-eve-"));
        assert_ne!(of_path(r"C:\a\agent.sock"), of_path(r"C:\demo\agent.sock"));
    }

    #[test]
    fn no_home_is_said_and_not_guessed() {
        assert!(paths(&[]).is_err());
    }
}
