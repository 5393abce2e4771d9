//! The settings dialog: the agent's settings and the window's own.

use evertoken_core::config::{NotificationSettings, RefreshTime, Settings, SettingsChange};
use evertoken_core::duration::InvalidSpan;
use serde::{Deserialize, Serialize};

use crate::preferences::ThemeChoice;

/// All that the dialog shows, and all that it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsForm {
    /// Light or dark.
    pub(crate) theme: ThemeChoice,
    /// As people type it: `45s`.
    clear_clipboard_after: String,
    notify_login: bool,
    notify_not_renewed: bool,
    notify_keychain: bool,
    notify_approval: bool,
    refresh: RefreshChoice,
    start_at_login: bool,
}

/// When access tokens are refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefreshChoice {
    /// After half of their life.
    Early,
    /// After three quarters.
    Usual,
    /// After nine tenths.
    Late,
}

impl From<RefreshTime> for RefreshChoice {
    fn from(time: RefreshTime) -> Self {
        match time {
            RefreshTime::Early => Self::Early,
            RefreshTime::Usual => Self::Usual,
            RefreshTime::Late => Self::Late,
        }
    }
}

impl From<RefreshChoice> for RefreshTime {
    fn from(choice: RefreshChoice) -> Self {
        match choice {
            RefreshChoice::Early => Self::Early,
            RefreshChoice::Usual => Self::Usual,
            RefreshChoice::Late => Self::Late,
        }
    }
}

impl SettingsForm {
    /// From what is set now.
    pub(crate) fn of(settings: &Settings, theme: ThemeChoice) -> Self {
        let NotificationSettings { login, not_renewed, keychain, approval } = settings.notifications;
        Self {
            theme,
            clear_clipboard_after: settings.clear_clipboard_after.to_string(),
            notify_login: login,
            notify_not_renewed: not_renewed,
            notify_keychain: keychain,
            notify_approval: approval,
            refresh: settings.refresh.into(),
            start_at_login: settings.start_at_login,
        }
    }

    /// What the agent is to change.
    pub(crate) fn change(&self) -> Result<SettingsChange, InvalidSpan> {
        Ok(SettingsChange {
            clear_clipboard_after: Some(self.clear_clipboard_after.parse()?),
            notifications: Some(NotificationSettings {
                login: self.notify_login,
                not_renewed: self.notify_not_renewed,
                keychain: self.notify_keychain,
                approval: self.notify_approval,
            }),
            refresh: Some(self.refresh.into()),
            start_at_login: Some(self.start_at_login),
            account_order: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_that_is_saved_untouched_changes_nothing() {
        let settings = Settings::default();
        let change = SettingsForm::of(&settings, ThemeChoice::System).change();
        let expected = SettingsChange {
            clear_clipboard_after: Some(settings.clear_clipboard_after),
            notifications: Some(settings.notifications),
            refresh: Some(settings.refresh),
            start_at_login: Some(settings.start_at_login),
            account_order: None,
        };
        assert_eq!(change, Ok(expected));
    }
}
