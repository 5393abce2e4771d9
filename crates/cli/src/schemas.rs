//! `docs/schemas`: what `--json` prints and what the local API takes and gives, as JSON Schemas that come from Rust's
//! types.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evertoken_core::api::diagnosis::Diagnosis;
use evertoken_core::api::problem::Problem;
use evertoken_core::api::requests::{
    AccessAnswer, AccountChange, AccountSettings, Approval, CallbackRequest, CopyAnswer, LoginRequest, LogoutAnswer,
    NewAccount, ReadyAnswer, RefreshAnswer, RefreshRequest, ReplaceRequest, SignInPrompt, SignInRequest, TokenAnswer,
};
use evertoken_core::api::status::{AccountStatus, StatusChange, StatusReport};
use evertoken_core::config::{Configuration, Settings, SettingsChange};
use evertoken_core::login::journal::HistoryAnswer;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use crate::commands::{Accounts, Identity, Inspected, Removed, Report};

/// Set it to write the files instead of checking them.
const WRITE: &str = "EVERTOKEN_WRITE_SCHEMAS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas")
}

/// Of what is written: every field that is always there is required.
fn output<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Of what is read: only what has no default is required.
pub(crate) fn input<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

fn schemas() -> BTreeMap<&'static str, Schema> {
    BTreeMap::from([
        ("access", output::<AccessAnswer>()),
        ("account", output::<AccountStatus>()),
        ("account-settings", output::<AccountSettings>()),
        ("account-change", input::<AccountChange>()),
        ("accounts", output::<Accounts>()),
        ("approval", input::<Approval>()),
        ("callback-request", input::<CallbackRequest>()),
        ("config", input::<Configuration>()),
        ("copy", output::<CopyAnswer>()),
        ("diagnosis", output::<Diagnosis>()),
        ("doctor", output::<Report<'_>>()),
        ("history", output::<HistoryAnswer>()),
        ("login-request", input::<LoginRequest>()),
        ("logout", output::<LogoutAnswer>()),
        ("new-account", input::<NewAccount>()),
        ("problem", output::<Problem>()),
        ("ready", output::<ReadyAnswer>()),
        ("refresh", output::<RefreshAnswer>()),
        ("refresh-request", input::<RefreshRequest>()),
        ("removed", output::<Removed>()),
        ("replace-request", input::<ReplaceRequest>()),
        ("settings", output::<Settings>()),
        ("settings-change", input::<SettingsChange>()),
        ("sign-in-prompt", output::<SignInPrompt>()),
        ("sign-in-request", input::<SignInRequest>()),
        ("status", output::<StatusReport>()),
        ("status-change", output::<StatusChange>()),
        ("token", output::<TokenAnswer>()),
        ("token-inspect", output::<Inspected>()),
        ("whoami", output::<Identity>()),
    ])
}

#[test]
fn the_schemas_are_those_of_the_types() {
    for (name, schema) in schemas() {
        let path = folder().join(format!("{name}.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{name} has changed; write it anew: {WRITE}=1 cargo test --workspace --bins schemas");
    }
}

#[test]
fn no_schema_is_left_over_or_unexplained() {
    let known = schemas();
    let guide = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".json") else { continue };
        assert!(known.contains_key(name), "{name}.json belongs to no type");
        assert!(guide.contains(&format!("({name}.json)")), "{name}.json is not in docs/schemas/README.md");
    }
}

#[test]
fn every_field_says_what_it_is() {
    let unexplained: Vec<String> =
        schemas().iter().flat_map(|(name, schema)| fields_without_words(name, schema.as_value())).collect();
    assert_eq!(unexplained, Vec::<String>::new());
}

fn fields_without_words(place: &str, schema: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(object) = schema.as_object() {
        for (name, field) in object.get("properties").and_then(|fields| fields.as_object()).into_iter().flatten() {
            // A tag is explained by the variant it stands for.
            let words = field.get("description").and_then(|words| words.as_str());
            let is_for_rust = words.is_some_and(|words| words.contains("[`"));
            if is_for_rust || words.is_none() && field.get("const").is_none() {
                found.push(format!("{place}.{name}"));
            }
        }
        found.extend(object.iter().flat_map(|(name, inner)| fields_without_words(&format!("{place}/{name}"), inner)));
    }
    if let Some(list) = schema.as_array() {
        found.extend(list.iter().flat_map(|inner| fields_without_words(place, inner)));
    }
    found
}
