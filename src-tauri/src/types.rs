//! `ui/types.d.ts`, the types that the page is checked against, comes from Rust's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::path::Path;

use evertoken_core::account::order::Step;
use evertoken_core::api::status::State;
use evertoken_core::oauth::server::SignInMethod;
use evertoken_core::present::window::{
    Button, ButtonAction, Card, History, HistorySpan, Item, ItemKind, Recognised, Tick, Trouble, View, Waiting,
};
use ts_rs::{Config, TS};

use crate::about::About;
use crate::arguments::{Arguments, Opens};
use crate::commands::Start;
use crate::place::{AccountForm, EncodingChoice, FieldTroubles, Place, PresetChoice};
use crate::preferences::ThemeChoice;
use crate::settings::{RefreshChoice, SettingsForm, SettingsTroubles};

/// Set it to write the file instead of checking it.
const WRITE: &str = "EVERTOKEN_WRITE_TYPES";

#[test]
fn the_page_is_checked_against_the_types_it_gets() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/types.d.ts");
    let types = types();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &types).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, types, "write it anew: {WRITE}=1 cargo test -p evertoken-desktop types");
}

fn types() -> String {
    let config = Config::default();
    let states = State::ALL.map(|state| serde_json::to_string(&state).unwrap()).join(" | ");
    let declarations = [
        format!("type State = {states};"),
        View::decl(&config),
        Trouble::decl(&config),
        Card::decl(&config),
        Button::decl(&config),
        ButtonAction::decl(&config),
        SignInMethod::decl(&config),
        Waiting::decl(&config),
        Start::decl(&config),
        Arguments::decl(&config),
        Opens::decl(&config),
        About::decl(&config),
        History::decl(&config),
        HistorySpan::decl(&config),
        Tick::decl(&config),
        Item::decl(&config),
        ItemKind::decl(&config),
        Recognised::decl(&config),
        Step::decl(&config),
        AccountForm::decl(&config),
        FieldTroubles::decl(&config),
        Place::decl(&config),
        PresetChoice::decl(&config),
        EncodingChoice::decl(&config),
        SettingsForm::decl(&config),
        SettingsTroubles::decl(&config),
        RefreshChoice::decl(&config),
        ThemeChoice::decl(&config),
    ];
    let head = "// Written by the tests of evertoken-desktop from the types in Rust. Do not edit.\n".to_owned();
    declarations.iter().fold(head, |text, declaration| format!("{text}\nexport {declaration}\n"))
}
