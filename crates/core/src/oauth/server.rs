//! An authorization server, as one account uses it: everything that decides where a secret goes and how it travels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT};
use crate::oauth::header::{InvalidHeader, check_header};
use crate::oauth::issuer::Issuer;
use crate::oauth::origin::Origins;
use crate::oauth::parameter::{InvalidParameter, check_parameter, is_of_the_sign_in};
use crate::oauth::redirect_uri::RedirectUri;

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
    /// Extra parameters of the request that a sign-in begins with, such as `scope` or `prompt`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Extra parameters of every token request. Absent: those of `parameters` that are not of the sign-in alone, such as
    /// `audience`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_parameters: Option<BTreeMap<String, String>>,
    /// Where a log-out revokes the refresh token (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Endpoint>,
    /// The issuer whose metadata named the endpoints (RFC 8414).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    /// Where a person signs in with a browser (RFC 6749 section 3.1), if the metadata names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Endpoint>,
    /// Where the browser comes back to; absent: `http://127.0.0.1/callback`, on any port (RFC 8252 section 7.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<RedirectUri>,
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
            token_parameters: None,
            revocation_endpoint: None,
            issuer: None,
            authorization_endpoint: None,
            redirect_uri: None,
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
        let parameters = self.parameters.iter().chain(self.token_parameters.iter().flatten());
        parameters.into_iter().try_for_each(|(name, value)| check_parameter(name, value))?;
        let has_id = self.client_id.as_ref().is_some_and(|id| !id.is_empty());
        if self.token_endpoint_auth_method.needs_secret() && !has_id {
            return Err(InvalidServer::NoClientId(self.token_endpoint_auth_method));
        }
        Ok(())
    }

    /// The extra parameters of the request that a sign-in begins with (RFC 6749 section 4.1.1, RFC 8628 section 3.1).
    pub(crate) fn sign_in_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(as_field)
    }

    /// The extra parameters of a token request.
    pub(crate) fn token_request_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let derived = self.token_parameters.is_none();
        let derived = self.parameters.iter().filter(move |(name, _)| derived && !is_of_the_sign_in(name));
        self.token_parameters.iter().flatten().chain(derived).map(as_field)
    }

    /// What a sign-in asks for (RFC 6749 section 3.3).
    pub fn asked_scope(&self) -> impl Iterator<Item = &str> {
        self.parameters.get("scope").into_iter().flat_map(|scope| scope.split_ascii_whitespace())
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

    /// What people call it: Vault, also where the sandbox stands for it, or by its host.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = |endpoint: &str| endpoint.split('/').skip(3).map(str::to_owned).collect::<Vec<_>>();
        let is_vault = path(self.endpoint.as_str()) == path(PRODUCTION_ENDPOINT);
        if is_vault { "Vault" } else { self.endpoint.host() }
    }

    /// The servers that a login proven here belongs to: where the refresh token or the client secret is sent.
    #[must_use]
    pub fn origins(&self) -> Origins {
        let others = self.revocation_endpoint.iter().chain(&self.device_authorization_endpoint);
        Origins::of(std::iter::once(&self.endpoint).chain(others))
    }
}

fn as_field<'a>((name, value): (&'a String, &'a String)) -> (&'a str, &'a str) {
    (name, value)
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
    fn a_token_request_carries_what_is_said_for_it_or_what_is_not_of_the_sign_in_alone() {
        let texts = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let parameters =
            texts(&[("access_type", "offline"), ("audience", "x"), ("prompt", "consent"), ("scope", "a b")]);
        let mut server = Server { parameters, ..server() };
        assert_eq!(server.token_request_parameters().collect::<Vec<_>>(), [("audience", "x")]);
        assert_eq!(server.sign_in_parameters().count(), 4);
        server.token_parameters = Some(texts(&[("scope", "a")]));
        assert_eq!(server.token_request_parameters().collect::<Vec<_>>(), [("scope", "a")]);
        server.token_parameters = Some(BTreeMap::new());
        assert_eq!(server.token_request_parameters().next(), None);
        server.token_parameters = Some(texts(&[("refresh_token", "r")]));
        assert!(server.check().is_err());
    }

    #[test]
    fn people_read_the_name_of_their_own_server() {
        assert_eq!(server().name(), "a.example");
        for vault in [PRODUCTION_ENDPOINT, crate::oauth::endpoint::SANDBOX_ENDPOINT] {
            assert_eq!(Server::at(vault.parse().unwrap()).name(), "Vault");
        }
    }

    #[test]
    fn a_way_to_sign_in_is_there_when_what_it_needs_is() {
        assert_eq!(server().sign_in_methods(), []);
        let command = Server { login_command: vec!["sign-in".to_owned()], ..server() };
        assert_eq!(command.sign_in_methods(), [SignInMethod::Command]);
    }
}
