//! Embeds the page, and makes a permission for each of our commands: none is callable without one.

/// Every command of `src/commands.rs`.
const COMMANDS: &[&str] = &[
    "start",
    "recognised",
    "check",
    "log_in",
    "sign_in",
    "bring_callback",
    "end_sign_in",
    "replace_user",
    "try_sandbox",
    "logged_in",
    "copy",
    "refresh",
    "log_out",
    "remove",
    "history",
    "account",
    "change_account",
    "move_account",
    "about",
    "settings",
    "check_settings",
    "change_settings",
    "show_theme",
    "remember_open",
    "start_agent",
];

fn main() {
    println!("cargo::rerun-if-changed=../ui");
    println!("cargo::rerun-if-changed=../icons");
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        panic!("{error:#}");
    }
}
