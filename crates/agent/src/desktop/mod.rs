//! What a person sees and clicks.

pub(crate) mod browser;
pub mod clipboard;
pub mod notifications;
pub(crate) mod start_at_login;
pub mod tray;
pub(crate) mod window;
