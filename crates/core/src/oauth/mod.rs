//! The OAuth 2.0 wire: tokens, endpoints, requests and what answers mean. Nothing about accounts.

pub mod authorization_code;
pub mod client_authentication;
pub mod device_authorization;
pub mod endpoint;
pub mod failure;
pub mod header;
pub mod metadata;
pub mod parameter;
pub mod revocation;
pub mod token;
pub mod token_request;
pub mod token_response;
