//! What the operating system tells and is told.

pub(crate) mod boot;
pub(crate) mod children;
pub mod clock;
pub(crate) mod diagnosis;
pub(crate) mod endpoint_clock;
pub(crate) mod fail_point;
pub(crate) mod file_watch;
pub(crate) mod hand_over;
pub mod hardening;
#[cfg(windows)]
mod hidden_window;
pub(crate) mod lock_holder;
pub(crate) mod logging;
pub(crate) mod own_program;
pub(crate) mod peer;
pub mod power_and_network;
pub(crate) mod process_group;
pub(crate) mod process_signals;
pub(crate) mod service_manager;
pub(crate) mod slow_disk;
pub mod standard_error;

pub(crate) use evertoken_client::files;
