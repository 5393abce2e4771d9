//! What a person configures of one account: the server that its login is for, and who may have its tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::account::approval::Program;
use crate::account::token_file::TokenFile;
use crate::oauth::client_authentication::AuthMethod;
use crate::oauth::endpoint::{Endpoint, PRODUCTION_ENDPOINT, SANDBOX_ENDPOINT};
use crate::oauth::issuer::Issuer;
use crate::oauth::redirect_uri::RedirectUri;
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
    /// The server that its login is for. It is large, so it is shared instead of copied.
    pub server: Arc<Server>,
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
        Self { id: None, server: Arc::new(server), sharing: Sharing::default() }
    }
}

/// The account as `config.toml` has it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Table {
    /// What its entries in the keychain, its journal and its lock are known by: 16 hex digits, written by Evertoken. A
    /// rename does not change it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    id: Option<AccountId>,
    /// The token endpoint. Vault's is `https://api.vault.ist/v2.0/reference/gettoken`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    endpoint: Endpoint,
    /// How the body of a token request is encoded.
    #[serde(default)]
    encoding: Encoding,
    /// Extra headers of token requests, such as `X-Merchant-ID`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The client id, if the server requires one.
    client_id: Option<String>,
    /// How the client secret is sent. The secret itself is in the keychain.
    #[serde(default)]
    token_endpoint_auth_method: AuthMethod,
    /// Extra parameters of the request that a sign-in begins with, such as `scope`, `prompt` or `audience`.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Extra parameters of every token request. Without it, those of `parameters` that are not for the sign-in alone; an
    /// empty table means none.
    token_parameters: Option<BTreeMap<String, String>>,
    /// Where a log-out revokes the refresh token (RFC 7009).
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    revocation_endpoint: Option<Endpoint>,
    /// The issuer whose metadata named the endpoints. Metadata is read at a log-in, not at each start.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    issuer: Option<Issuer>,
    /// Where `login --browser` signs in.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    authorization_endpoint: Option<Endpoint>,
    /// Where the browser comes back to, as the server knows it. Without it: `http://127.0.0.1/callback`, any port.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    redirect_uri: Option<RedirectUri>,
    /// Where `login --device` gets its code.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    device_authorization_endpoint: Option<Endpoint>,
    /// A program and its arguments for `login --command`, run without a shell. It prints a refresh token or a token
    /// response.
    #[serde(default)]
    login_command: Vec<String>,
    /// A file that holds the access token while it is valid.
    token_file: Option<TokenFile>,
    /// Are you asked the first time a program wants a token?
    #[serde(default)]
    require_approval: bool,
    /// The programs that you allowed; used with `require_approval`.
    #[serde(default)]
    allowed_programs: BTreeSet<Program>,
    /// The programs that you denied. A program in both lists is denied.
    #[serde(default)]
    denied_programs: BTreeSet<Program>,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Account {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Account".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Table::json_schema(generator)
    }
}

impl From<Table> for Account {
    fn from(table: Table) -> Self {
        Self {
            id: table.id,
            server: Arc::new(Server {
                endpoint: table.endpoint,
                encoding: table.encoding,
                headers: table.headers,
                client_id: table.client_id,
                token_endpoint_auth_method: table.token_endpoint_auth_method,
                parameters: table.parameters,
                token_parameters: table.token_parameters,
                revocation_endpoint: table.revocation_endpoint,
                issuer: table.issuer,
                authorization_endpoint: table.authorization_endpoint,
                redirect_uri: table.redirect_uri,
                device_authorization_endpoint: table.device_authorization_endpoint,
                login_command: table.login_command,
            }),
            sharing: Sharing {
                token_file: table.token_file,
                require_approval: table.require_approval,
                allowed_programs: table.allowed_programs,
                denied_programs: table.denied_programs,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_saves_people_from_typing_an_endpoint() {
        for (preset, host, is_here) in
            [(Preset::Production, "api.vault.ist", false), (Preset::Sandbox, "127.0.0.1", true)]
        {
            let endpoint: Result<Endpoint, _> = preset.endpoint().parse();
            let read = endpoint.map(|endpoint| (endpoint.host().to_owned(), endpoint.is_loopback()));
            assert_eq!(read, Ok((host.to_owned(), is_here)));
        }
    }
}
