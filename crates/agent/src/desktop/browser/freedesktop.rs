//! The desktop's own choice (xdg-utils).

use std::process::Command;

/// Without a display there is none to open: `xdg-open` would start a text browser that nobody sees.
pub(super) fn opener(url: &str) -> Option<Command> {
    let has_display = ["WAYLAND_DISPLAY", "DISPLAY"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    has_display.then(|| {
        let mut command = Command::new("xdg-open");
        command.arg(url);
        command
    })
}
