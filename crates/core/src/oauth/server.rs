//! An authorization server, as one account uses it: everything that decides where a secret goes and how it travels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::Endpoint;
use crate::oauth::header::{InvalidHeader, check_header};
use crate::oauth::issuer::Issuer;
use crate::oauth::origin::Origins;
use crate::oauth::parameter::{InvalidParameter, check_parameter};

/// How the token request's body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// `application/json`, as Vault documents it.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`, as RFC 6749 section 6 has it.
    Form,
}

/// A way of logging in that brings the tokens by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum SignInMethod {
    /// In a browser on this machine: an authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).
    Browser,
    /// With a code that is typed in on another device (RFC 8628).
    Device,
    /// With the account's `login_command`.
    Command,
}

/// A server, and how this account's client talks to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where the token request goes.
    pub endpoint: Endpoint,
    /// How its body is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Extra request headers, such as `X-Merchant-ID`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `client_id` (RFC 6749 section 2.2), for servers that want one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// How the client authenticates. Its secret is in the keychain.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// Extra parameters of the token request, such as `audience`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Where a log-out revokes the refresh token (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Endpoint>,
    /// The issuer whose metadata named the endpoints (RFC 8414).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    /// Where a person signs in with a browser (RFC 6749 section 3.1), if the metadata names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Endpoint>,
    /// Where a device asks for a code (RFC 8628), if the metadata names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<Endpoint>,
    /// A program of the person's own, with its arguments, that prints a refresh token or a token response of this server.
    /// It is run when a person asks for it, and without a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub login_command: Vec<String>,
}

/// Why a server cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServer {
    /// A header that cannot be sent.
    #[error(transparent)]
    Header(#[from] InvalidHeader),
    /// A parameter that cannot be sent.
    #[error(transparent)]
    Parameter(#[from] InvalidParameter),
    /// A secret without an id.
    #[error("{0} needs a client_id")]
    NoClientId(AuthMethod),
}

impl Server {
    /// A server at this endpoint, with Vault's dialect.
    #[must_use]
    pub fn at(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            encoding: Encoding::default(),
            headers: BTreeMap::new(),
            client_id: None,
            token_endpoint_auth_method: AuthMethod::None,
            parameters: BTreeMap::new(),
            revocation_endpoint: None,
            issuer: None,
            authorization_endpoint: None,
            device_authorization_endpoint: None,
            login_command: Vec::new(),
        }
    }

    /// Can a request be made from this?
    ///
    /// # Errors
    /// [`InvalidServer`] with the first reason why not.
    pub fn check(&self) -> Result<(), InvalidServer> {
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        self.parameters.iter().try_for_each(|(name, value)| check_parameter(name, value))?;
        let has_id = self.client_id.as_ref().is_some_and(|id| !id.is_empty());
        if self.token_endpoint_auth_method.needs_secret() && !has_id {
            return Err(InvalidServer::NoClientId(self.token_endpoint_auth_method));
        }
        Ok(())
    }

    /// How a person can log in other than with a refresh token.
    #[must_use]
    pub fn sign_in_methods(&self) -> Vec<SignInMethod> {
        let methods = [
            (SignInMethod::Browser, self.authorization_endpoint.is_some()),
            (SignInMethod::Device, self.device_authorization_endpoint.is_some()),
            (SignInMethod::Command, !self.login_command.is_empty()),
        ];
        methods.into_iter().filter_map(|(method, is_there)| is_there.then_some(method)).collect()
    }

    /// The servers that a login proven here belongs to: where the refresh token or the client secret is sent.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let others = self.revocation_endpoint.iter().chain(&self.device_authorization_endpoint);
        Origins::of(std::iter::once(&self.endpoint).chain(others))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn server() -> Server {
        Server::at("https://a.example/token".parse().unwrap())
    }

    #[test]
    fn a_login_belongs_to_every_endpoint_that_is_sent_a_secret() {
        let elsewhere = Server {
            revocation_endpoint: Some("https://b.example/revoke".parse().unwrap()),
            device_authorization_endpoint: Some("https://c.example/device".parse().unwrap()),
            authorization_endpoint: Some("https://d.example/authorize".parse().unwrap()),
            ..server()
        };
        assert_eq!(elsewhere.origins().to_string(), "a.example, b.example, c.example");
    }

    #[test]
    fn a_client_that_authenticates_has_an_id() {
        let basic = Server { token_endpoint_auth_method: AuthMethod::ClientSecretBasic, ..server() };
        assert!(basic.check().is_err());
        assert!(Server { client_id: Some(String::new()), ..basic.clone() }.check().is_err());
        assert!(Server { client_id: Some("me".to_owned()), ..basic }.check().is_ok());
        assert!(server().check().is_ok());
    }

    #[test]
    fn a_way_to_sign_in_is_there_when_what_it_needs_is() {
        assert_eq!(server().sign_in_methods(), []);
        let command = Server { login_command: vec!["sign-in".to_owned()], ..server() };
        assert_eq!(command.sign_in_methods(), [SignInMethod::Command]);
    }
}
