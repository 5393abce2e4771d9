use std::path::PathBuf;

use clap::{Args, ValueEnum};
use evertoken_core::account::{AccountName, Preset};
use evertoken_core::api::requests::{AccountSettings, LoginRequest, SignInRequest};
use evertoken_core::api::status::StatusReport;
use evertoken_core::oauth::client_authentication::AuthMethod;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::header::{InvalidHeader, check_header};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::parameter::{InvalidParameter, check_parameter};
use evertoken_core::oauth::redirect_uri::RedirectUri;
use evertoken_core::oauth::server::Encoding;
use evertoken_core::present::sentence::state_and_time_left;
use jiff::Timestamp;

use super::account_argument::named;
use super::agent_client;
use super::sign_in::{WayArguments, ask_or_fail, follow, the_way};
use crate::failure::Failure;
use crate::{client_secret, credential, memory, output};

/// The account of a person who has named none.
const FIRST_ACCOUNT: &str = "default";

/// Log in with a refresh token, a browser, a code on another device, or a command of your own
///
/// Without an option it reads a refresh token, or a whole token response as JSON, from standard input, or asks for it
/// without showing it. However obtained, the refresh token is tested with one refresh, and the new one is stored.
/// Creates the account if needed. When something fails, an earlier login stays as it was. If you log in as someone
/// else, Evertoken asks before replacing the login.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken login                                  asks for the refresh token
  evertoken login Production < response.json
  pass vault | evertoken login
  curl -sX POST http://127.0.0.1:8787/sandbox/sign-in | evertoken login demo --preset sandbox
  evertoken login eu --endpoint https://eu.example/oauth/token --encoding form --header 'X-Merchant-ID: 1234'
  evertoken login work --issuer https://issuer.example --client-id me --client-secret
  evertoken login ci --issuer https://issuer.example --client-id me --client-secret-file FILE < token
  evertoken login work --browser --issuer https://issuer.example --client-id me --parameter scope=offline_access
  evertoken login work --device                    the account already knows its server

The client secret is kept in the keychain. It is asked for or read from a file; it is never an argument.")]
pub(crate) struct Login {
    /// The account; without it: EVERTOKEN_ACCOUNT, the default, the only one, or a new one named `default`
    account: Option<AccountName>,
    #[command(flatten)]
    way: WayArguments,
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(flatten)]
    secret: SecretArguments,
    /// Let another user's login replace the account's login
    #[arg(long)]
    replace_user: bool,
    /// Print JSON; with --browser, --device or --command the first line says what to do
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Default, Args)]
struct SettingsArguments {
    /// A known token endpoint; a new account is for production
    #[arg(long, value_enum, conflicts_with = "endpoint")]
    preset: Option<PresetName>,
    /// The token endpoint: https, or plain http on this machine
    #[arg(long, value_name = "URL")]
    endpoint: Option<Endpoint>,
    /// A standard OAuth 2.0 server: its metadata names the endpoints (RFC 8414, or OpenID Connect Discovery)
    #[arg(long, value_name = "URL", conflicts_with_all = ["preset", "endpoint"])]
    issuer: Option<Issuer>,
    /// How the token request is written
    #[arg(long, value_enum)]
    encoding: Option<EncodingName>,
    /// An extra header of the token request; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The client_id, for servers that want one (RFC 6749 section 2.2)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// How the client authenticates; with a secret: as the metadata says, or client_secret_basic
    #[arg(long, value_enum, value_name = "METHOD")]
    auth_method: Option<AuthMethodName>,
    /// An extra parameter of a sign-in, such as scope, prompt or audience; may be given several times
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// An extra parameter of every token request, also when refreshing; may be given several times
    #[arg(long = "token-parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    token_parameters: Vec<(String, String)>,
    /// Where a log-out revokes the refresh token (RFC 7009)
    #[arg(long, value_name = "URL")]
    revocation_endpoint: Option<Endpoint>,
    /// The redirect URI on this machine, as registered at the server; with a port if the server requires one
    #[arg(long, value_name = "URL")]
    redirect_uri: Option<RedirectUri>,
}

#[derive(Debug, Args)]
struct SecretArguments {
    /// Ask for the client secret, without showing it
    #[arg(long, conflicts_with = "client_secret_file")]
    client_secret: bool,
    /// Read the client secret from a file that nobody else may read
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PresetName {
    /// Vault's production API
    Production,
    /// The built-in sandbox on this machine
    Sandbox,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EncodingName {
    /// application/json, as Vault documents it
    Json,
    /// application/x-www-form-urlencoded, as RFC 6749 has it
    Form,
}

/// The names of RFC 7591 section 2.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum AuthMethodName {
    /// Without a secret
    None,
    /// In the Authorization header
    ClientSecretBasic,
    /// In the body
    ClientSecretPost,
}

impl Login {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        // The refresh token and the client secret are in this process's memory.
        memory::protect();
        // First, so that nothing is started or changed for an input that is none.
        let client_secret = self.secret.read()?;
        let way = the_way(&self.way);
        let credential = if way.is_none() { Some(credential::read()?) } else { None };
        let client = agent_client().await?;
        let report = client.status().await?;
        let started_before = client.settings().await?.start_at_login;
        let name = named(self.account)?.or_else(|| implied_account(&report));
        let is_new = name.as_ref().is_some_and(|name| report.accounts.iter().all(|account| account.name != *name));
        let (settings, replace_user) = (self.settings.into_settings(is_new), self.replace_user);
        let mut lines = None;
        let account = if let Some(way) = way {
            let sign_in = SignInRequest { settings, client_secret, replace_user, expected_endpoint: None };
            let begun = client.sign_in(name.as_ref(), way, &sign_in).await?;
            match follow(begun, &client, name.as_ref(), self.json, &mut lines).await? {
                Ok(account) => account,
                Err(problem) => client.replace_user(name.as_ref(), ask_or_fail(problem, &mut lines).await?).await?,
            }
        } else {
            let credential = credential.unwrap_or_default();
            let login = LoginRequest { credential, settings, client_secret, replace_user, expected_endpoint: None };
            match client.login(name.as_ref(), &login).await {
                Ok(account) => account,
                Err(problem) => client.replace_user(name.as_ref(), ask_or_fail(problem, &mut lines).await?).await?,
            }
        };
        if self.json {
            return output::json(&account);
        }
        let now = Timestamp::now();
        output::line(format_args!("Logged in to {}: {}.", account.name, state_and_time_left(&account, now)))?;
        if !account.login.not_granted.is_empty() {
            let missing = output::plain(&account.login.not_granted.join(" "));
            output::line(format_args!("The server did not grant: {missing}."))?;
        }
        if !started_before && client.settings().await?.start_at_login {
            output::line("Evertoken starts with your desktop from now on; the settings can change that.")?;
        }
        match client.status().await?.accounts.into_iter().find(|other| other.default) {
            Some(default) if is_new && default.name != account.name => output::line(format_args!(
                "The default account is still {}. Name this one, as in `evertoken token {}`, or make it the default: \
                 `evertoken account default {1}`.",
                default.name, account.name
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// `None`: there are several, and the agent says what is to be done.
fn implied_account(report: &StatusReport) -> Option<AccountName> {
    match report.accounts.as_slice() {
        [] => FIRST_ACCOUNT.parse().ok(),
        [only] => Some(only.name.clone()),
        several => several.iter().find(|account| account.default).map(|account| account.name.clone()),
    }
}

impl SettingsArguments {
    /// What the agent is to change; `None` when an account stays as it is.
    fn into_settings(self, is_new: bool) -> Option<AccountSettings> {
        let Self {
            preset,
            endpoint,
            issuer,
            encoding,
            headers,
            client_id,
            auth_method,
            parameters,
            token_parameters,
            revocation_endpoint,
            redirect_uri,
        } = self;
        let production = (is_new && endpoint.is_none() && issuer.is_none()).then_some(Preset::Production);
        let settings = AccountSettings {
            preset: preset.map(Preset::from).or(production),
            endpoint: endpoint.map(String::from),
            encoding: encoding.map(Encoding::from),
            headers: headers.into_iter().collect(),
            client_id,
            issuer: issuer.map(String::from),
            token_endpoint_auth_method: auth_method.map(AuthMethod::from),
            parameters: parameters.into_iter().collect(),
            token_parameters: (!token_parameters.is_empty()).then(|| token_parameters.into_iter().collect()),
            revocation_endpoint: revocation_endpoint.map(String::from),
            redirect_uri: redirect_uri.map(String::from),
        };
        (settings != AccountSettings::default()).then_some(settings)
    }
}

impl SecretArguments {
    fn read(&self) -> Result<Option<String>, Failure> {
        let secret = match &self.client_secret_file {
            Some(file) => Some(client_secret::from_file(file)?),
            None if self.client_secret => Some(client_secret::ask()?),
            None => None,
        };
        Ok(secret)
    }
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Production => Self::Production,
            PresetName::Sandbox => Self::Sandbox,
        }
    }
}

impl From<EncodingName> for Encoding {
    fn from(name: EncodingName) -> Self {
        match name {
            EncodingName::Json => Self::Json,
            EncodingName::Form => Self::Form,
        }
    }
}

impl From<AuthMethodName> for AuthMethod {
    fn from(name: AuthMethodName) -> Self {
        match name {
            AuthMethodName::None => Self::None,
            AuthMethodName::ClientSecretBasic => Self::ClientSecretBasic,
            AuthMethodName::ClientSecretPost => Self::ClientSecretPost,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), InvalidParameter> {
    let (name, value) = text.split_once('=').ok_or_else(|| InvalidParameter::Malformed(text.to_owned()))?;
    check_parameter(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn header(text: &str) -> Result<(String, String), InvalidHeader> {
    let (name, value) = text.split_once(':').ok_or_else(|| InvalidHeader::Malformed(text.to_owned()))?;
    let (name, value) = (name.trim(), value.trim());
    check_header(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_new_account_is_for_production_unless_told_otherwise() {
        let settings = |arguments: SettingsArguments| arguments.into_settings(true).unwrap();
        let endpoint = Some("https://a.example/".parse().unwrap());
        assert_eq!(settings(SettingsArguments::default()).preset, Some(Preset::Production));
        assert_eq!(settings(SettingsArguments { endpoint, ..SettingsArguments::default() }).preset, None);
        let sandbox = SettingsArguments { preset: Some(PresetName::Sandbox), ..SettingsArguments::default() };
        assert_eq!(settings(sandbox).preset, Some(Preset::Sandbox));
    }

    #[test]
    fn logging_in_again_changes_nothing_else() {
        assert_eq!(SettingsArguments::default().into_settings(false), None);
    }

    #[test]
    fn an_issuer_takes_the_place_of_a_preset() {
        let issuer = Some("https://issuer.example".parse().unwrap());
        let settings = SettingsArguments { issuer, ..SettingsArguments::default() }.into_settings(true).unwrap();
        assert_eq!((settings.preset, settings.issuer.as_deref()), (None, Some("https://issuer.example")));
    }

    #[test]
    fn a_parameter_may_have_an_equals_sign_in_its_value() {
        assert_eq!(parameter("resource=a=b").unwrap(), ("resource".to_owned(), "a=b".to_owned()));
        for bad in ["audience", "=x", "audience=", "grant_type=password", "client_secret=x"] {
            assert!(parameter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_are_written_as_curl_has_them() {
        assert_eq!(header("X-Merchant-ID: 12:34 ").unwrap(), ("X-Merchant-ID".to_owned(), "12:34".to_owned()));
        for bad in ["X-Merchant-ID", ": 1", "Host: a", "X: a\nb"] {
            assert!(header(bad).is_err(), "{bad:?}");
        }
    }
}
