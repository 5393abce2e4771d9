//! The built binary, over real connections.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod command;
mod contract;
mod control;
mod faults;
mod server;
