//! The agent's edges against the real things: D-Bus, gnome-keyring, an X server, and doubles for panel and
//! notification daemon.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[macro_use]
mod desk;
mod clipboard;
mod keychain;
mod notifications;
mod panel;
mod system_signals;
mod tray;
