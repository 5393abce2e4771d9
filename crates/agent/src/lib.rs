//! The resident agent: keychain, token request, journal, local API, tray, notifications, clipboard.
#![doc = include_str!("../README.md")]

mod account_lock;
mod agent;
mod browser;
mod caller;
pub mod clipboard;
mod configuration_file;
mod configuration_watch;
mod diagnosis;
mod discovery;
mod endpoint_clock;
mod exchange;
mod fail_point;
pub mod hardening;
mod http;
mod journal_file;
pub mod keychain;
mod local_api;
mod logging;
pub mod notifications;
mod revocation_endpoint;
mod run;
mod service_manager;
mod sign_in;
mod signals;
mod start_at_login;
pub mod system_signals;
mod token_endpoint;
mod token_file;
pub mod tray;
mod vault;
pub mod wall_clock;
mod window;

pub use configuration_file::ConfigurationFileError;
pub use local_api::BindError;
pub use run::{Options, StartError, run};
