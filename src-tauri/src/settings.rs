//! The settings dialog: the agent's settings and the window's own.

use evertoken_core::config::duration::{InvalidSpan, Span};
use evertoken_core::config::{NotificationSettings, RefreshTime, Settings, SettingsChange};
use evertoken_core::present::sentence::as_sentence;
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
    notify_copied: bool,
    paste_once: bool,
    symbolic_tray_icon: bool,
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

/// What is wrong with the fields of the dialog, each a sentence; empty where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct SettingsTroubles {
    #[serde(rename = "clear-clipboard-after")]
    clear_clipboard_after: String,
}

impl SettingsTroubles {
    /// Checks what was typed.
    pub(crate) fn of(form: &SettingsForm) -> Self {
        let wrong = form.clear_clipboard_after.parse::<Span>().err();
        Self { clear_clipboard_after: wrong.map(|error| as_sentence(&error.to_string())).unwrap_or_default() }
    }
}

impl SettingsForm {
    /// From what is set now.
    pub(crate) fn of(settings: &Settings, theme: ThemeChoice) -> Self {
        let NotificationSettings { login, not_renewed, keychain, approval, copied } = settings.notifications;
        Self {
            theme,
            clear_clipboard_after: settings.clear_clipboard_after.to_string(),
            notify_login: login,
            notify_not_renewed: not_renewed,
            notify_keychain: keychain,
            notify_approval: approval,
            notify_copied: copied,
            paste_once: settings.paste_once,
            symbolic_tray_icon: settings.symbolic_tray_icon,
            refresh: settings.refresh.into(),
            start_at_login: settings.start_at_login,
        }
    }

    /// What the agent is to change: what the person changed in the dialog. What was changed elsewhere meanwhile stays.
    pub(crate) fn change(&self, opened: &Self, now: &Settings) -> Result<SettingsChange, InvalidSpan> {
        let switched = |mine: bool, opened: bool, now: bool| if mine == opened { now } else { mine };
        let notifications = NotificationSettings {
            login: switched(self.notify_login, opened.notify_login, now.notifications.login),
            not_renewed: switched(self.notify_not_renewed, opened.notify_not_renewed, now.notifications.not_renewed),
            keychain: switched(self.notify_keychain, opened.notify_keychain, now.notifications.keychain),
            approval: switched(self.notify_approval, opened.notify_approval, now.notifications.approval),
            copied: switched(self.notify_copied, opened.notify_copied, now.notifications.copied),
        };
        let differs = self.clear_clipboard_after != opened.clear_clipboard_after;
        let clear_clipboard_after = differs.then(|| self.clear_clipboard_after.parse()).transpose()?;
        Ok(SettingsChange {
            clear_clipboard_after,
            notifications: (notifications != now.notifications).then_some(notifications),
            refresh: (self.refresh != opened.refresh).then(|| self.refresh.into()),
            start_at_login: (self.start_at_login != opened.start_at_login).then_some(self.start_at_login),
            paste_once: (self.paste_once != opened.paste_once).then_some(self.paste_once),
            symbolic_tray_icon: (self.symbolic_tray_icon != opened.symbolic_tray_icon)
                .then_some(self.symbolic_tray_icon),
            account_order: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_changed_in_the_dialog_is_changed() {
        let opened = SettingsForm::of(&Settings::default(), ThemeChoice::System);
        let elsewhere = NotificationSettings { keychain: false, ..NotificationSettings::default() };
        let now = Settings { notifications: elsewhere, ..Settings::default() };
        assert_eq!(opened.change(&opened, &now), Ok(SettingsChange::default()), "untouched");
        let typed = SettingsForm {
            clear_clipboard_after: "2m".to_owned(),
            notify_login: false,
            notify_copied: false,
            paste_once: true,
            symbolic_tray_icon: true,
            start_at_login: true,
            ..opened.clone()
        };
        let expected = SettingsChange {
            clear_clipboard_after: Some(Span::from_secs(120)),
            notifications: Some(NotificationSettings { login: false, copied: false, ..elsewhere }),
            start_at_login: Some(true),
            paste_once: Some(true),
            symbolic_tray_icon: Some(true),
            ..SettingsChange::default()
        };
        assert_eq!(typed.change(&opened, &now), Ok(expected));
    }

    #[test]
    fn a_length_of_time_that_is_none_is_said_beside_its_field() {
        let form = SettingsForm::of(&Settings::default(), ThemeChoice::System);
        assert_eq!(SettingsTroubles::of(&form), SettingsTroubles::default());
        let wrong = SettingsForm { clear_clipboard_after: "soon".to_owned(), ..form.clone() };
        assert!(SettingsTroubles::of(&wrong).clear_clipboard_after.starts_with("A duration is a number"));
        assert!(wrong.change(&form, &Settings::default()).is_err());
    }
}
