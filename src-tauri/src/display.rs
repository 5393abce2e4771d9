//! Is there a screen to show a window on? GTK panics when Tauri finds out.

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
