//! What is the same for every account.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::account::order::AccountOrder;
use crate::config::duration::Span;

/// What is the same for every account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// When a copied access token is cleared from the clipboard.
    pub clear_clipboard_after: Span,
    /// Is a copied access token gone after the first paste, where the display tells of pastes?
    pub paste_once: bool,
    /// Does the panel give the tray icon its own colour, on Linux? The package's icons have to be installed.
    pub symbolic_tray_icon: bool,
    /// Where tokens are kept.
    pub keychain: Keychain,
    /// Where the keychain file and its key are, for `keychain = "file"`.
    #[serde(skip_serializing_if = "KeychainFile::is_default")]
    pub keychain_file: KeychainFile,
    /// Which notifications are shown.
    pub notifications: NotificationSettings,
    /// When an access token is refreshed. A change counts from the next refresh on.
    pub refresh: RefreshTime,
    /// Does the agent start when the person logs in to the desktop?
    pub start_at_login: bool,
    /// In which order people see the accounts.
    pub account_order: AccountOrder,
}

/// When an access token is refreshed, as a share of its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RefreshTime {
    /// After half of it: a token at hand lasts longer, and rotations are more frequent.
    Early,
    /// After three quarters.
    #[default]
    Usual,
    /// After nine tenths: rotations are rare, and little time is left for retries.
    Late,
}

/// Where tokens are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Keychain {
    /// In the operating system's keychain.
    #[default]
    Os,
    /// In this process only: the login ends with it. For trying things out.
    Memory,
    /// In an encrypted file, for machines without a keychain.
    File,
}

/// The encrypted file that stands for a keychain, and its key. Both paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct KeychainFile {
    /// The file; in the state folder unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A file of 32 random bytes that only its owner can read; the service manager's credential unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

impl KeychainFile {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which notifications are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct NotificationSettings {
    /// "Log in to Vault again".
    pub login: bool,
    /// "Vault token not renewed".
    pub not_renewed: bool,
    /// "Unlock your keychain".
    pub keychain: bool,
    /// "A program wants a Vault token".
    pub approval: bool,
    /// "Access token copied", after a click in the tray.
    pub copied: bool,
}

impl Default for NotificationSettings {
    fn default() -> Self {
        Self { login: true, not_renewed: true, keychain: true, approval: true, copied: true }
    }
}

/// 45 s: long enough to paste, short enough that a forgotten token is not there an hour later.
const CLEAR_CLIPBOARD_AFTER: Span = Span::from_secs(45);

impl Default for Settings {
    fn default() -> Self {
        Self {
            clear_clipboard_after: CLEAR_CLIPBOARD_AFTER,
            // Some programs ask twice for one paste, and histories that we do not know would use it up.
            paste_once: false,
            // Panels that do not colour it draw it dark, also on a dark panel.
            symbolic_tray_icon: false,
            keychain: Keychain::default(),
            keychain_file: KeychainFile::default(),
            notifications: NotificationSettings::default(),
            refresh: RefreshTime::default(),
            start_at_login: false,
            account_order: AccountOrder::default(),
        }
    }
}

/// `PATCH /v1/settings`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// When a copied access token is cleared from the clipboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_clipboard_after: Option<Span>,
    /// Is a copied access token gone after the first paste, where the display tells of pastes?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paste_once: Option<bool>,
    /// Does the panel give the tray icon its own colour, on Linux?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbolic_tray_icon: Option<bool>,
    /// Which notifications are shown; those that are absent are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<NotificationSettings>,
    /// When an access token is refreshed, from the next refresh on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RefreshTime>,
    /// Does the agent start when the person logs in to the desktop?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at_login: Option<bool>,
    /// In which order people see the accounts: all that are to stand before those that follow by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_order: Option<AccountOrder>,
}
