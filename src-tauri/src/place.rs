//! Where a new account's tokens come from, as the page asks for it.

use evertoken_core::account::{Encoding, Preset};
use evertoken_core::api::AccountSettings;
use serde::Deserialize;

/// The page's answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    preset: PresetChoice,
    /// For a custom endpoint.
    endpoint: String,
    /// For a custom endpoint.
    encoding: EncodingChoice,
    /// For a custom endpoint; may be empty.
    client_id: String,
    /// For a custom endpoint: `Name: value`, one a line.
    headers: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(crate) enum PresetChoice {
    Production,
    Sandbox,
    Custom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
            PresetChoice::Custom => Self {
                preset: None,
                endpoint: Some(place.endpoint.trim().to_owned()),
                encoding: Some(match place.encoding {
                    EncodingChoice::Json => Encoding::Json,
                    EncodingChoice::Form => Encoding::Form,
                }),
                headers: place.headers.lines().filter(|line| !line.trim().is_empty()).map(header).collect(),
                client_id: Some(place.client_id.trim().to_owned()).filter(|id| !id.is_empty()),
                ..Self::default()
            },
        }
    }
}

/// The settings of a preset.
pub(crate) fn preset(preset: Preset) -> AccountSettings {
    AccountSettings { preset: Some(preset), ..AccountSettings::default() }
}

/// The agent says what is wrong with a line that is no header.
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
        }
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
    fn what_was_typed_before_choosing_a_preset_does_not_count() {
        assert_eq!(AccountSettings::from(place(PresetChoice::Production)), preset(Preset::Production));
    }
}
