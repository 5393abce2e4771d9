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

/// Opens the display for the rest of the process. It has no other thread yet.
#[cfg(target_os = "linux")]
pub(crate) fn open() -> Result<(), NoDisplay> {
    // WebKit would look at the machine's memory every five seconds, to drop what it keeps of pages: this one is small.
    set_unless_a_person_has("WEBKIT_DISABLE_MEMORY_PRESSURE_MONITOR", "1");
    if !has_graphics_processor() {
        // Mesa would draw the page as a graphics processor does, in software, and the page would be seen later (decision 8).
        set_unless_a_person_has("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1");
        set_unless_a_person_has("LP_NUM_THREADS", "0");
    }
    gtk::init().map_err(|_| NoDisplay)
}

/// Of any kind: with a driver of the kernel, NVIDIA's own, or the one of Windows around a Linux.
#[cfg(target_os = "linux")]
fn has_graphics_processor() -> bool {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let renders = nodes.map(|node| node.file_name()).any(|name| name.as_encoded_bytes().starts_with(b"renderD"));
    renders || ["/dev/nvidiactl", "/dev/dxg"].iter().any(|node| std::path::Path::new(node).exists())
}

/// Tells the libraries that draw the window.
#[cfg(target_os = "linux")]
fn set_unless_a_person_has(name: &str, value: &str) {
    let _ = gtk::glib::setenv(name, value, false);
}

/// What the page calls `sans-serif` is the font of the desktop's own programs; not every WebKit asks for it.
#[cfg(target_os = "linux")]
pub(crate) fn write_in_its_font(page: &webkit2gtk::WebView) {
    use gtk::prelude::GtkSettingsExt;
    use webkit2gtk::{SettingsExt, WebViewExt};
    let family = gtk::Settings::default().and_then(|settings| font_family(&settings.gtk_font_name()?));
    if let (Some(settings), Some(family)) = (WebViewExt::settings(page), family) {
        settings.set_sans_serif_font_family(&family);
    }
}

/// The first family in a setting such as `Noto Sans Medium 10`; `None` where the choice is fontconfig's, as it is WebKit's.
#[cfg(target_os = "linux")]
fn font_family(font: &str) -> Option<String> {
    let families = gtk::pango::FontDescription::from_string(font).family()?;
    let family = families.split(',').next()?.trim();
    (!["", "sans", "sans-serif"].contains(&family.to_lowercase().as_str())).then(|| family.to_owned())
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_desktops_font_is_one_that_it_names() {
        for (setting, family) in [
            ("Cantarell 11", Some("Cantarell")),
            ("Noto Sans,  10", Some("Noto Sans")),
            ("Ubuntu Medium 11", Some("Ubuntu")),
            ("Inter, Noto Sans 11", Some("Inter")),
            ("Sans 10", None),
            ("Sans-Serif Bold 10", None),
            ("", None),
        ] {
            assert_eq!(super::font_family(setting).as_deref(), family, "{setting}");
        }
    }
}
