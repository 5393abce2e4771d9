//! What belongs to the window alone, kept in `window.json` beside the journals.

use std::sync::Arc;

use evertoken_core::config::paths::Paths;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager, Theme, Wry};
use tauri_plugin_store::{Store, StoreExt};

use crate::display::DesktopTheme;
use crate::geometry::Geometry;

/// Light, dark, or as the desktop is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThemeChoice {
    /// As the desktop is.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl ThemeChoice {
    /// What the window is told; `None`: what the toolkit does by itself.
    pub(crate) fn on(self, desktop: DesktopTheme) -> Option<Theme> {
        match self {
            Self::System if desktop.prefers_dark() => Some(Theme::Dark),
            Self::System => None,
            Self::Light => Some(Theme::Light),
            Self::Dark => Some(Theme::Dark),
        }
    }
}

const GEOMETRY: &str = "geometry";
const THEME: &str = "theme";
const OPEN: &str = "open";

/// The window's own memory. One that cannot be read or written is no reason to show no window.
pub(crate) struct Preferences(Option<Arc<Store<Wry>>>);

impl Preferences {
    /// Opens them.
    pub(crate) fn of(app: &AppHandle) -> Self {
        let file = app.state::<Paths>().state.join("window.json");
        Self(app.store_builder(file).disable_auto_save().build().ok())
    }

    /// Where the window stood.
    pub(crate) fn geometry(&self) -> Option<Geometry> {
        self.get(GEOMETRY)
    }

    /// Remembers where the window stands.
    pub(crate) fn set_geometry(&self, geometry: Geometry) {
        self.set(GEOMETRY, geometry);
    }

    /// Light or dark.
    pub(crate) fn theme(&self) -> ThemeChoice {
        self.get(THEME).unwrap_or_default()
    }

    /// Remembers light or dark.
    pub(crate) fn set_theme(&self, theme: ThemeChoice) {
        self.set(THEME, theme);
    }

    /// The account that was open in the list.
    pub(crate) fn open(&self) -> Option<String> {
        self.get(OPEN)
    }

    /// Remembers the account that is open in the list.
    pub(crate) fn set_open(&self, account: Option<String>) {
        self.set(OPEN, account);
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        serde_json::from_value(self.0.as_ref()?.get(key)?).ok()
    }

    fn set(&self, key: &str, value: impl Serialize) {
        if let (Some(store), Ok(value)) = (&self.0, serde_json::to_value(value))
            && store.get(key).as_ref() != Some(&value)
        {
            store.set(key, value);
            // A full disk costs the window its place and nothing else.
            let _ = store.save();
        }
    }
}
