//! Is there a screen to show a window on, and is it dark there? GTK panics when Tauri finds out the one, and Tauri
//! overwrites the other.

/// There is none.
#[derive(Debug)]
pub(crate) struct NoDisplay;

impl std::fmt::Display for NoDisplay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set: Vec<String> = ["WAYLAND_DISPLAY", "DISPLAY"]
            .iter()
            .filter_map(|name| {
                std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| format!("{name}={value}"))
            })
            .collect();
        match set.as_slice() {
            [] => f.write_str("the window needs a display, and neither WAYLAND_DISPLAY nor DISPLAY names one"),
            names => write!(f, "the window needs a display, and {} could not be opened", names.join(", ")),
        }
    }
}

/// Opens the display for the rest of the process.
#[cfg(target_os = "linux")]
pub(crate) fn open() -> Result<(), NoDisplay> {
    gtk::init().map_err(|_| NoDisplay)
}

/// Elsewhere a program that runs has a screen.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux there may be none")]
pub(crate) fn open() -> Result<(), NoDisplay> {
    Ok(())
}

/// Does the desktop want dark windows? As it was before any window of ours was told how to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DesktopTheme {
    prefers_dark: bool,
}

impl DesktopTheme {
    /// `gtk-application-prefer-dark-theme` of the person's `settings.ini`, or what the desktop's portal has made of it.
    #[cfg(target_os = "linux")]
    pub(crate) fn now() -> Self {
        use gtk::prelude::GtkSettingsExt;
        let settings = gtk::Settings::default();
        Self { prefers_dark: settings.is_some_and(|settings| settings.is_gtk_application_prefer_dark_theme()) }
    }

    /// Elsewhere the toolkit knows.
    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn now() -> Self {
        Self { prefers_dark: false }
    }

    pub(crate) const fn prefers_dark(self) -> bool {
        self.prefers_dark
    }
}
