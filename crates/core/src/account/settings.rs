//! What a person configures of one account: the server that its login is for, and who may have its tokens.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::account::approval::Program;
use crate::account::token_file::TokenFile;
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT, SANDBOX_ENDPOINT};
use crate::oauth::issuer::Issuer;
use crate::oauth::server::{Encoding, Server};

/// In a local API path, stands for "the default account, or the only one".
pub const DEFAULT_ACCOUNT_PLACEHOLDER: &str = "-";

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

/// Everything about an account that is not a token. In `config.toml` it is one flat table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Table")]
pub struct Account {
    /// What its entries in the keychain are known by; absent until it is written down.
    pub id: Option<AccountId>,
    /// The server that its login is for.
    pub server: Server,
    /// Who may have its access tokens.
    pub sharing: Sharing,
}

/// Who may have an account's access tokens, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sharing {
    /// A file that always holds the access token, for programs that can read nothing else.
    pub token_file: Option<TokenFile>,
    /// Must a person allow each program the first time it wants an access token?
    pub require_approval: bool,
    /// The programs that a person allowed.
    pub allowed_programs: BTreeSet<Program>,
    /// The programs that a person refused.
    pub denied_programs: BTreeSet<Program>,
}

impl Account {
    /// An account of this server that shares its tokens with every program of the user.
    #[must_use]
    pub fn of(server: Server) -> Self {
        Self { id: None, server, sharing: Sharing::default() }
    }
}

/// The account as `config.toml` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    id: Option<AccountId>,
    endpoint: Endpoint,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    client_id: Option<String>,
    #[serde(default)]
    token_endpoint_auth_method: AuthMethod,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    revocation_endpoint: Option<Endpoint>,
    issuer: Option<Issuer>,
    authorization_endpoint: Option<Endpoint>,
    device_authorization_endpoint: Option<Endpoint>,
    #[serde(default)]
    login_command: Vec<String>,
    token_file: Option<TokenFile>,
    #[serde(default)]
    require_approval: bool,
    #[serde(default)]
    allowed_programs: BTreeSet<Program>,
    #[serde(default)]
    denied_programs: BTreeSet<Program>,
}

impl From<Table> for Account {
    fn from(table: Table) -> Self {
        Self {
            id: table.id,
            server: Server {
                endpoint: table.endpoint,
                encoding: table.encoding,
                headers: table.headers,
                client_id: table.client_id,
                token_endpoint_auth_method: table.token_endpoint_auth_method,
                parameters: table.parameters,
                revocation_endpoint: table.revocation_endpoint,
                issuer: table.issuer,
                authorization_endpoint: table.authorization_endpoint,
                device_authorization_endpoint: table.device_authorization_endpoint,
                login_command: table.login_command,
            },
            sharing: Sharing {
                token_file: table.token_file,
                require_approval: table.require_approval,
                allowed_programs: table.allowed_programs,
                denied_programs: table.denied_programs,
            },
        }
    }
}
