//! The header-adding proxy.
#![doc = include_str!("../README.md")]

mod announcement;
mod bearer;
mod child;
mod fields;
mod forward;
mod gate;
mod listen;
mod logging;
mod names;
mod origin;
mod process;
mod refusal;
mod request;
mod serve;
mod served;
mod signals;
mod target;
mod tokens;
mod tunnel;
mod upstream;
mod version;

pub use announcement::Announcement;
pub use listen::{InvalidListen, Listen};
pub use names::addresses;
pub use origin::{InvalidOrigin, Origin};
pub use serve::{Options, Proxy};
