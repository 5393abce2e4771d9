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
mod oauth2_mock_server;
mod outage;
mod p1_disk;
mod p1_keychain;
mod p1_random_kill;
mod p2_races;
mod p3_hostile;
mod p3_sleep;
mod p4_clock;
mod p5_local_api;
mod p6_canary;
mod p8_bad_input;
mod pictures;
mod proxy;
mod proxy_attacks;
mod quiet;
mod restart;
mod secrecy;
mod socket;
mod tray;
mod window;
