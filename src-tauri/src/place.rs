//! Where an account's tokens come from, as the page asks for it and shows it.

use evertoken_core::account::{AccountName, Preset};
use evertoken_core::api::requests::AccountSettings;
use evertoken_core::oauth::endpoint::Endpoint;
use evertoken_core::oauth::header::{InvalidHeader, check_header};
use evertoken_core::oauth::issuer::Issuer;
use evertoken_core::oauth::parameter::check_parameter;
use evertoken_core::oauth::server::Encoding;
use evertoken_core::present::sentence::as_sentence;
use serde::{Deserialize, Serialize};

/// The page's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    preset: PresetChoice,
    /// For a custom endpoint.
    endpoint: String,
    /// For a custom endpoint.
    encoding: EncodingChoice,
    /// For a custom endpoint and for an issuer; may be empty.
    client_id: String,
    /// For a custom endpoint: `Name: value`, one a line.
    headers: String,
    /// For a server that is known by its issuer.
    issuer: String,
    /// For a server that is known by its issuer: `name=value`, one a line.
    parameters: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(crate) enum PresetChoice {
    Production,
    Sandbox,
    Issuer,
    Custom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncodingChoice {
    Json,
    Form,
}

impl From<Place> for AccountSettings {
    fn from(place: Place) -> Self {
        match place.preset {
            PresetChoice::Production => preset(Preset::Production),
            PresetChoice::Sandbox => preset(Preset::Sandbox),
            PresetChoice::Issuer => Self {
                issuer: Some(place.issuer.trim().to_owned()),
                client_id: client_id(&place.client_id),
                parameters: lines(&place.parameters).map(parameter).collect(),
                ..Self::default()
            },
            PresetChoice::Custom => Self {
                endpoint: Some(place.endpoint.trim().to_owned()),
                encoding: Some(match place.encoding {
                    EncodingChoice::Json => Encoding::Json,
                    EncodingChoice::Form => Encoding::Form,
                }),
                headers: lines(&place.headers).map(header).collect(),
                client_id: client_id(&place.client_id),
                ..Self::default()
            },
        }
    }
}

impl From<AccountSettings> for Place {
    fn from(settings: AccountSettings) -> Self {
        let headers: Vec<String> = settings.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            preset: PresetChoice::Custom,
            endpoint: settings.endpoint.unwrap_or_default(),
            encoding: match settings.encoding.unwrap_or_default() {
                Encoding::Json => EncodingChoice::Json,
                Encoding::Form => EncodingChoice::Form,
            },
            client_id: settings.client_id.unwrap_or_default(),
            headers: headers.join("\n"),
            issuer: String::new(),
            parameters: String::new(),
        }
    }
}

/// What is wrong with the fields of a form, each a sentence; empty where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct FieldTroubles {
    account: String,
    issuer: String,
    parameters: String,
    endpoint: String,
    headers: String,
}

impl FieldTroubles {
    /// Checks what was typed. A field that is still empty is not wrong yet.
    pub(crate) fn of(account: &str, place: &Place) -> Self {
        let account = not_yet(account, |text| text.parse::<AccountName>().err().map(|error| error.to_string()));
        let issuer = |text: &str| text.parse::<Issuer>().err().map(|error| error.to_string());
        let endpoint = |text: &str| text.parse::<Endpoint>().err().map(|error| error.to_string());
        match place.preset {
            PresetChoice::Production | PresetChoice::Sandbox => Self { account, ..Self::default() },
            PresetChoice::Issuer => Self {
                account,
                issuer: not_yet(&place.issuer, issuer),
                parameters: first_wrong(&place.parameters, |line| {
                    let (name, value) = parameter(line);
                    check_parameter(&name, &value)
                }),
                ..Self::default()
            },
            PresetChoice::Custom => Self {
                account,
                endpoint: not_yet(&place.endpoint, endpoint),
                headers: first_wrong(&place.headers, check_header_line),
                ..Self::default()
            },
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

/// What is wrong with the first line with which something is.
fn first_wrong<E: std::error::Error>(text: &str, check: impl Fn(&str) -> Result<(), E>) -> String {
    let wrong = lines(text).find_map(|line| check(line).err());
    wrong.map(|error| as_sentence(&error.to_string())).unwrap_or_default()
}

fn check_header_line(line: &str) -> Result<(), InvalidHeader> {
    let (name, value) = header(line);
    if line.contains(':') { check_header(&name, &value) } else { Err(InvalidHeader::Malformed(name)) }
}

fn not_yet(text: &str, check: impl Fn(&str) -> Option<String>) -> String {
    let text = text.trim();
    if text.is_empty() { String::new() } else { check(text).map(|error| as_sentence(&error)).unwrap_or_default() }
}

/// An account as its dialog shows and changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountForm {
    /// Its name.
    #[cfg_attr(test, ts(as = "String"))]
    pub(crate) name: AccountName,
    /// Is it the one that is meant when none is named? Cannot be unset, only given to another.
    pub(crate) default: bool,
    /// Where its tokens come from.
    pub(crate) place: Place,
}

/// The settings of a preset.
pub(crate) fn preset(preset: Preset) -> AccountSettings {
    AccountSettings { preset: Some(preset), ..AccountSettings::default() }
}

fn client_id(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

/// A line without an equals sign is all name.
fn parameter(line: &str) -> (String, String) {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    (name.trim().to_owned(), value.trim().to_owned())
}

/// A line without a colon is all name.
fn header(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.trim().to_owned(), value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(preset: PresetChoice) -> Place {
        Place {
            preset,
            endpoint: " https://vault.example/oauth/token ".to_owned(),
            encoding: EncodingChoice::Form,
            client_id: String::new(),
            headers: "X-Merchant-ID: 12:34\n\n".to_owned(),
            issuer: " https://issuer.example ".to_owned(),
            parameters: "scope = openid offline_access\n\naudience=a=b".to_owned(),
        }
    }

    #[test]
    fn an_issuer_is_what_was_typed_and_names_the_rest_itself() {
        let parameters = [("scope", "openid offline_access"), ("audience", "a=b")];
        assert_eq!(
            AccountSettings::from(place(PresetChoice::Issuer)),
            AccountSettings {
                issuer: Some("https://issuer.example".to_owned()),
                parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
                ..AccountSettings::default()
            }
        );
    }

    #[test]
    fn a_custom_endpoint_is_what_was_typed() {
        assert_eq!(
            AccountSettings::from(place(PresetChoice::Custom)),
            AccountSettings {
                preset: None,
                endpoint: Some("https://vault.example/oauth/token".to_owned()),
                encoding: Some(Encoding::Form),
                headers: [("X-Merchant-ID".to_owned(), "12:34".to_owned())].into(),
                client_id: None,
                ..AccountSettings::default()
            }
        );
    }

    #[test]
    fn the_dialog_shows_what_is_set_and_changes_nothing_when_it_is_saved_untouched() {
        let settings = AccountSettings::from(place(PresetChoice::Custom));
        assert_eq!(AccountSettings::from(Place::from(settings.clone())), settings);
    }

    #[test]
    fn a_mistake_is_said_beside_its_field_as_soon_as_it_is_typed() {
        let typed = |endpoint: &str, headers: &str| Place {
            endpoint: endpoint.to_owned(),
            headers: headers.to_owned(),
            ..place(PresetChoice::Custom)
        };
        assert_eq!(FieldTroubles::of("", &typed("", "")), FieldTroubles::default());
        assert_eq!(FieldTroubles::of("a", &typed("https://a.example/", "X-A: 1\n\n")), FieldTroubles::default());
        let wrong = FieldTroubles::of("a b", &typed("http://a.example/", "X-A: 1\nX-B"));
        assert!(wrong.account.contains("\"a b\" is not an account name"), "{wrong:?}");
        assert!(wrong.endpoint.contains("use https"), "{wrong:?}");
        assert!(wrong.headers.contains("\"X-B\" is not a header"), "{wrong:?}");
        assert!(
            FieldTroubles::of("a", &typed("https://a.example", "Host: b"))
                .headers
                .contains("could change what the request asks")
        );
        let issuer = Place {
            issuer: "http://issuer.example".to_owned(),
            parameters: "scope=openid\naudience".to_owned(),
            ..place(PresetChoice::Issuer)
        };
        let wrong = FieldTroubles::of("a", &issuer);
        assert!(wrong.issuer.contains("use https"), "{wrong:?}");
        assert!(wrong.parameters.contains("\"audience\" is not a parameter"), "{wrong:?}");
        assert_eq!((wrong.endpoint, wrong.headers), (String::new(), String::new()), "fields that are not seen");
    }

    #[test]
    fn what_was_typed_before_choosing_a_preset_does_not_count() {
        assert_eq!(AccountSettings::from(place(PresetChoice::Production)), preset(Preset::Production));
    }
}
