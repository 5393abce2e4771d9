//! The OAuth 2.0 wire: tokens, endpoints, requests and what answers mean. Nothing about accounts.

pub mod authorization_code;
pub mod cleaned;
pub mod client_authentication;
pub mod device_authorization;
pub mod endpoint;
pub mod error;
pub mod failure;
mod fields;
pub mod header;
pub mod issuer;
pub mod jwt;
pub mod metadata;
pub mod origin;
pub mod parameter;
pub mod revocation;
pub mod server;
pub mod token;
pub mod token_request;
pub mod token_response;
