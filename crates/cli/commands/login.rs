use clap::{Args, ValueEnum};
use evertoken_core::account::{AccountName, Encoding, Endpoint, InvalidHeader, Preset, check_header};
use evertoken_core::api::{AccountSettings, LoginRequest};
use evertoken_core::sentence::state_and_time_left;
use evertoken_core::status::StatusReport;
use jiff::Timestamp;

use super::agent_client;
use crate::failure::Failure;
use crate::{credential, output};

/// The account of a person who has named none.
const FIRST_ACCOUNT: &str = "default";

/// Log in with a refresh token, or a whole token response as JSON
///
/// Reads it from standard input, or asks for it without showing it. Proves it with one refresh and stores what comes
/// back. Makes the account if there is none. When the endpoint refuses it, an earlier login stays as it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken login                                  asks for the refresh token
  evertoken login Production < response.json
  pass vault | evertoken login
  curl -sX POST http://127.0.0.1:8787/sandbox/sign-in | evertoken login demo --preset sandbox
  evertoken login eu --endpoint https://eu.example/oauth/token --encoding form --header 'X-Merchant-ID: 1234'")]
pub(crate) struct Login {
    /// The account; without one: the default, the only one, or a new one named `default`
    account: Option<AccountName>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// Print JSON
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
    /// How the token request is written
    #[arg(long, value_enum)]
    encoding: Option<EncodingName>,
    /// An extra header of the token request; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The client_id, for servers that want one (RFC 6749 section 2.2)
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
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

impl Login {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        // First, so that nothing is started or changed for an input that is none.
        let credential = credential::read()?;
        let client = agent_client().await?;
        let report = client.status().await?;
        let name = self.account.or_else(|| implied_account(&report));
        let is_new = name.as_ref().is_some_and(|name| report.accounts.iter().all(|account| account.name != *name));
        let login = LoginRequest { credential, settings: self.settings.into_settings(is_new) };
        let account = client.login(name.as_ref(), &login).await?;
        if self.json {
            return output::json(&account);
        }
        output::line(format_args!(
            "Logged in to {}: {}.",
            account.name,
            state_and_time_left(&account, Timestamp::now())
        ))
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
        let Self { preset, endpoint, encoding, headers, client_id } = self;
        let production = (is_new && endpoint.is_none()).then_some(Preset::Production);
        let settings = AccountSettings {
            preset: preset.map(Preset::from).or(production),
            endpoint: endpoint.map(String::from),
            encoding: encoding.map(Encoding::from),
            headers: headers.into_iter().collect(),
            client_id,
        };
        (settings != AccountSettings::default()).then_some(settings)
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
    fn headers_are_written_as_curl_has_them() {
        assert_eq!(header("X-Merchant-ID: 12:34 ").unwrap(), ("X-Merchant-ID".to_owned(), "12:34".to_owned()));
        for bad in ["X-Merchant-ID", ": 1", "Host: a", "X: a\nb"] {
            assert!(header(bad).is_err(), "{bad:?}");
        }
    }
}
