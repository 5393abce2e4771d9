//! An account: a name, and where and how its tokens are refreshed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::account::approval::Program;
use crate::account::token_file::TokenFile;
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::Endpoint;
use crate::oauth::header::{InvalidHeader, check_header};
use crate::oauth::metadata::Issuer;
use crate::oauth::parameter::{InvalidParameter, check_parameter};

/// The token endpoint of Vault's production API.
pub const PRODUCTION_ENDPOINT: &str = "https://api.vault.ist/v2.0/reference/gettoken";
/// The token endpoint of the built-in sandbox with its default `--listen`.
pub const SANDBOX_ENDPOINT: &str = "http://127.0.0.1:8787/v2.0/reference/gettoken";
/// In a local API path, stands for "the default account, or the only one".
pub const DEFAULT_ACCOUNT_PLACEHOLDER: &str = "-";

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
pub enum SignInWay {
    /// In a browser on this machine: an authorization code with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252).
    Browser,
    /// With a code that is typed in on another device (RFC 8628).
    Device,
    /// With the account's `login_command`.
    Command,
}

/// Where a new account's tokens come from, for people who do not want to type a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Vault's production API.
    Production,
    /// The built-in sandbox on this machine.
    Sandbox,
}

impl Preset {
    /// The preset's token endpoint.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Production => PRODUCTION_ENDPOINT,
            Self::Sandbox => SANDBOX_ENDPOINT,
        }
    }
}

/// Everything about an account that is not a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
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
    #[serde(default, skip_serializing_if = "is_default")]
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
    /// A program of the person's own, with its arguments, that prints a refresh token or a token response: another way to
    /// log in. It is run when a person asks for it, and without a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub login_command: Vec<String>,
    /// A file that always holds the access token, for programs that can read nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<TokenFile>,
    /// Must a person allow each program the first time it wants an access token?
    #[serde(default, skip_serializing_if = "is_default")]
    pub require_approval: bool,
    /// The programs that a person allowed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub allowed_programs: BTreeSet<Program>,
    /// The programs that a person refused.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub denied_programs: BTreeSet<Program>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why an account cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccount {
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

impl Account {
    /// An account at this endpoint, with Vault's dialect.
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
            token_file: None,
            require_approval: false,
            allowed_programs: BTreeSet::new(),
            denied_programs: BTreeSet::new(),
        }
    }

    /// Can a request be made from this?
    ///
    /// # Errors
    /// [`InvalidAccount`] with the first reason why not.
    pub fn check(&self) -> Result<(), InvalidAccount> {
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        self.parameters.iter().try_for_each(|(name, value)| check_parameter(name, value))?;
        match &self.client_id {
            Some(id) if !id.is_empty() => Ok(()),
            Some(_) | None if self.token_endpoint_auth_method.needs_secret() => {
                Err(InvalidAccount::NoClientId(self.token_endpoint_auth_method))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// How a person can log in, beside with a refresh token.
    #[must_use]
    pub fn sign_in_ways(&self) -> Vec<SignInWay> {
        let ways = [
            (SignInWay::Browser, self.authorization_endpoint.is_some()),
            (SignInWay::Device, self.device_authorization_endpoint.is_some()),
            (SignInWay::Command, !self.login_command.is_empty()),
        ];
        ways.into_iter().filter_map(|(way, is_there)| is_there.then_some(way)).collect()
    }

    /// The endpoints that are sent the client secret.
    pub fn secret_goes_to(&self) -> impl Iterator<Item = &Endpoint> {
        std::iter::once(&self.endpoint).chain(&self.revocation_endpoint).chain(&self.device_authorization_endpoint)
    }
}
