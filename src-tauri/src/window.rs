//! The window itself.

use std::sync::{Mutex, PoisonError};

use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::window::Color;
use tauri::{App, AppHandle, Emitter, Manager, PhysicalPosition, PhysicalSize, Theme, Url, WebviewUrl, WebviewWindow};
use tauri::{WebviewWindowBuilder, WindowEvent};

use crate::arguments::Arguments;
use crate::attention::Attention;
use crate::display::DesktopTheme;
use crate::geometry::Geometry;
use crate::preferences::Preferences;

/// The one window's name within the program.
pub(crate) const LABEL: &str = "main";
/// The page's event: what a second start is for.
const OPEN: &str = "open";
/// In logical pixels: one card and a half.
const FIRST_SIZE: (f64, f64) = (460.0, 720.0);
const SMALLEST_SIZE: (f64, f64) = (360.0, 480.0);

/// What the window was opened for, until the page has asked; `None` from then on.
pub(crate) struct LaunchIntent(Mutex<Option<Arguments>>);

impl LaunchIntent {
    /// From the command line.
    pub(crate) fn new(arguments: Arguments) -> Self {
        Self(Mutex::new(Some(arguments)))
    }

    /// Keeps what a second start is for until the page asks; gives it back where the page has asked.
    fn keep(&self, arguments: Arguments) -> Option<Arguments> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(kept) => {
                *kept = arguments;
                None
            }
            None => Some(arguments),
        }
    }

    /// The first asker gets it: a page that is loaded anew opens no log-in again.
    pub(crate) fn take(&self) -> Arguments {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

/// Opens the window.
pub(crate) fn open(app: &App) -> tauri::Result<()> {
    let preferences = Preferences::of(app.handle());
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Evertoken")
        .inner_size(FIRST_SIZE.0, FIRST_SIZE.1)
        .min_inner_size(SMALLEST_SIZE.0, SMALLEST_SIZE.1)
        .visible(false)
        // The page itself takes files that are dropped on it.
        .disable_drag_drop_handler()
        .zoom_hotkeys_enabled(true)
        // WebKit writes nothing to the disk; a driven window needs a context that can be driven.
        .incognito(!is_driven())
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(|window, page| {
            // Before, it would be an empty flash. A window that cannot be shown is gone already.
            if page.event() == PageLoadEvent::Finished {
                let _ = window.show();
            }
        })
        .build()?;
    #[cfg(target_os = "linux")]
    window.with_webview(|webview| crate::display::write_in_its_font(&webview.inner()))?;
    let desktop = DesktopTheme::now();
    let theme = preferences.theme().on(desktop);
    app.manage(desktop);
    // The theme of the builder does not reach WebKit here.
    window.set_theme(theme)?;
    if let Some(geometry) = preferences.geometry().and_then(|geometry| geometry.on(&screens(app.handle()))) {
        window.set_size(PhysicalSize::new(geometry.width, geometry.height))?;
        window.set_position(PhysicalPosition::new(geometry.x, geometry.y))?;
    }
    // All there is until the page draws itself.
    window.set_background_color(Some(ground(theme.unwrap_or(window.theme()?))))
}

/// `--ground` of `ui/style.css`.
const fn ground(theme: Theme) -> Color {
    match theme {
        Theme::Dark => Color(0x16, 0x19, 0x1a, 0xff),
        Theme::Light | _ => Color(0xf4, 0xf6, 0xf6, 0xff),
    }
}

/// The variable with which Tauri lets a WebDriver in.
fn is_driven() -> bool {
    std::env::var("TAURI_WEBVIEW_AUTOMATION").is_ok_and(|value| value == "true")
}

/// The page never leaves the program.
fn is_ours(url: &Url) -> bool {
    match url.scheme() {
        "tauri" => true,
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

fn screens(app: &AppHandle) -> Vec<Geometry> {
    let monitors = app.available_monitors().unwrap_or_default();
    monitors
        .iter()
        .map(|monitor| {
            let (position, size) = (monitor.position(), monitor.size());
            Geometry { x: position.x, y: position.y, width: size.width, height: size.height }
        })
        .collect()
}

/// A second start: shows the window that is open, on what it was started for.
pub(crate) fn show_again(app: &AppHandle, arguments: Vec<String>) {
    if let Some(window) = app.get_webview_window(LABEL) {
        // Each is a wish to the desktop, which may have its own mind.
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
    let wanted = Arguments::parse(arguments.into_iter().skip(1)).ok().filter(|wanted| *wanted != Arguments::default());
    if let Some(wanted) = wanted.and_then(|wanted| app.state::<LaunchIntent>().keep(wanted)) {
        let _ = app.emit_to(LABEL, OPEN, wanted);
    }
}

/// As a person closes it.
pub(crate) fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        // A window that does not close ends with the program.
        let _ = window.close();
    }
}

/// Does a person see the window, as far as can be known?
pub(crate) fn is_seen(app: &AppHandle) -> bool {
    app.get_webview_window(LABEL).is_some_and(|window| !window.is_minimized().unwrap_or_default())
}

/// Keeps what is to be kept of the window.
pub(crate) fn on_event(app: &AppHandle, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { .. } = event
        && let Some(geometry) = app.get_webview_window(LABEL).and_then(|window| geometry(&window))
    {
        Preferences::of(app).set_geometry(geometry);
    }
    if let WindowEvent::Focused(true) | WindowEvent::Resized(_) = event {
        app.state::<Attention>().again();
    }
}

fn geometry(window: &WebviewWindow) -> Option<Geometry> {
    if window.is_maximized().ok()? || window.is_minimized().ok()? {
        return None;
    }
    let (position, size) = (window.outer_position().ok()?, window.inner_size().ok()?);
    Some(Geometry { x: position.x, y: position.y, width: size.width, height: size.height })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_second_start_is_kept_until_the_page_has_asked_and_told_to_it_from_then_on() {
        let intent = LaunchIntent::new(Arguments::default());
        let work = Arguments::parse(["--account", "work", "--login"]).unwrap();
        assert_eq!(intent.keep(work.clone()), None);
        assert_eq!(intent.take(), work);
        assert_eq!(intent.keep(work.clone()), Some(work));
        assert_eq!(intent.take(), Arguments::default());
    }

    #[test]
    fn no_link_leads_out_of_the_program() {
        for ours in ["tauri://localhost/index.html", "http://tauri.localhost/index.html"] {
            assert!(is_ours(&ours.parse().unwrap()), "{ours}");
        }
        for foreign in ["https://example.org/", "http://tauri.localhost.example.org/", "file:///etc/passwd", "data:,x"]
        {
            assert!(!is_ours(&foreign.parse().unwrap()), "{foreign}");
        }
    }
}
