//! How an account refreshes and signs in, as it is asked for and as it is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::Preset;
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::server::{Encoding, Server};

/// What can be chosen when an account is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// A preset endpoint; `endpoint` wins over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// The token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How the request is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Extra request headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `client_id`, for servers that want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The issuer whose metadata names the endpoints (RFC 8414); instead of `preset` and `endpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// How the client authenticates. With a client secret and without this: as the metadata says, or
    /// `client_secret_basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<AuthMethod>,
    /// Extra parameters of the request that a sign-in begins with, such as `scope` or `prompt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Extra parameters of every token request. Absent: those of `parameters` that are not of the sign-in alone, such as
    /// `audience`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_parameters: Option<BTreeMap<String, String>>,
    /// Where a log-out revokes the refresh token (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// Where the browser comes back to, on this machine (RFC 8252 section 7.3); with a port, if the server wants that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

impl From<&Server> for AccountSettings {
    fn from(server: &Server) -> Self {
        Self {
            preset: None,
            endpoint: Some(server.endpoint.as_str().to_owned()),
            encoding: Some(server.encoding),
            headers: server.headers.clone(),
            client_id: server.client_id.clone(),
            issuer: None,
            token_endpoint_auth_method: Some(server.token_endpoint_auth_method),
            parameters: server.parameters.clone(),
            token_parameters: server.token_parameters.clone(),
            revocation_endpoint: server.revocation_endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
            redirect_uri: server.redirect_uri.as_ref().map(ToString::to_string),
        }
    }
}
