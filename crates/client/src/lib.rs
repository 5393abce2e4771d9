//! Typed calls to the resident agent over its local socket.
#![doc = include_str!("../README.md")]

mod answer;
#[cfg(target_os = "linux")]
mod at_hand;
pub mod background;
mod calls;
mod connection;
pub mod environment;
mod events;
pub mod files;
mod start;
mod transport;
mod unavailable;

#[cfg(target_os = "linux")]
pub use at_hand::token_at_hand;
pub use connection::Client;
pub use events::{Events, SignIn};
pub use start::{agent_program, connect_or_start};
pub use transport::named_socket;
