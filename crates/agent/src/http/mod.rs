//! Everything that is sent to an account's server.

pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod revocation_endpoint;
pub(crate) mod token_endpoint;
