//! The resident agent: keychain, token request, journal, local API, tray, notifications, clipboard.
#![doc = include_str!("../README.md")]

pub mod desktop;
mod http;
mod local_api;
mod login;
mod options;
mod owner;
mod request;
mod rotation;
mod run;
pub mod store;
pub mod system;

pub use local_api::BindError;
pub use options::{CHECK_START, LeftSocket, Options, STARTS};
#[cfg(unix)]
pub use run::become_background_agent;
pub use run::{StartError, check_start, run};
pub use store::config_file::ConfigurationFileError;
pub use system::standard_error::standard_error;
