//! End to end: the built binaries on private desktops with a real keyring, bus, screen, clipboard, panel and WebKit.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod absence;
mod accounts;
mod clipboard;
mod configuration;
mod crash;
mod desktop;
mod doctor;
mod exec;
mod freshness;
mod keychain;
mod kit;
mod mistakes;
mod outage;
mod pictures;
mod quiet;
mod restart;
mod secrecy;
mod socket;
mod tray;
mod window;
