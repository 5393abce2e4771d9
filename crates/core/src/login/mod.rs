//! One login: its state machine, the rotation, and what the keychain and the journal hold.

pub mod access_token;
pub mod flow;
pub mod journal;
pub mod notice;
pub mod policy;
pub mod recovery;
pub mod rotation;
pub mod session;
pub mod token_store;
