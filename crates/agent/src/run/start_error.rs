//! Why the agent does not run.

use std::io;
use std::path::PathBuf;

use evertoken_core::config::paths::NoHome;

use crate::local_api::BindError;
use crate::store::config_file::ConfigurationFileError;

/// Why the agent does not run. Each is one sentence for a person.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no place for the files.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The configuration cannot be used; it is left as it is.
    #[error("the configuration cannot be used, and was left as it is: {0}")]
    Configuration(#[from] ConfigurationFileError),
    /// The local API cannot be served.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Another agent has the state folder.
    #[error("another agent already serves {0} for this state folder: use that one, or end it first")]
    AnotherAgent(PathBuf),
    /// Others could change what the agent keeps.
    #[error("{0}")]
    Unsafe(String),
    /// There is no place for journals and locks.
    #[error("the state folder {0} cannot be made: {1}; make it writable, or set XDG_STATE_HOME to one that is")]
    Folder(PathBuf, io::Error),
    /// Something of the system cannot be used.
    #[error("the agent cannot run: {0}")]
    Io(#[from] io::Error),
}
