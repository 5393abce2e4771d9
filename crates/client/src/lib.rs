//! Typed calls to the resident agent over its local socket.
#![doc = include_str!("../README.md")]

mod answer;
pub mod background;
mod calls;
mod connection;
pub mod environment;
mod events;
mod start;
mod transport;
mod unavailable;

pub use connection::Client;
pub use events::{Events, SignIn};
pub use start::{agent_program, connect_or_start};
