//! What the server says of itself (RFC 8414 section 2).

use serde_json::{Value, json};

use crate::client::Client;
use crate::token_request::DEVICE_CODE;

/// The document for a server that is reached at `base`, its issuer.
pub(crate) fn document(base: &str, client: Option<&Client>) -> Value {
    let methods = client.map_or(["none"].as_slice(), Client::methods);
    json!({
        "issuer": base,
        "token_endpoint": format!("{base}/oauth/token"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth/device_authorization"),
        "grant_types_supported": ["refresh_token", "authorization_code", DEVICE_CODE],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}
