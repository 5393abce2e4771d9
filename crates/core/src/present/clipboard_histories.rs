//! Clipboard histories that keep what is marked as a password. docs/clipboard.md says what was seen of each.

/// By the names of their programs, and what people call them. On an X11 display they get no token: who asks is looked at.
const HISTORIES: [(&str, &str); 12] = [
    ("clipit", "ClipIt"),
    ("cliphist", "cliphist"),
    ("clipman", "clipman"),
    ("copyq", "CopyQ"),
    ("diodon", "Diodon"),
    ("gpaste-daemon", "GPaste"),
    ("greenclip", "greenclip"),
    ("parcellite", "Parcellite"),
    ("qlipper", "Qlipper"),
    ("wl-clip-persist", "wl-clip-persist"),
    ("wrapper-2.0", "a plugin of xfce4-panel"),
    ("xfce4-clipman", "Clipman"),
];

/// What people call the history whose program lies there; `None`: it is none that is known.
#[must_use]
pub fn history(program: &str) -> Option<&'static str> {
    let name = program.rsplit('/').next().unwrap_or_default();
    HISTORIES.iter().find(|(program, _)| *program == name).map(|(_, called)| *called)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_known_by_its_program_and_not_by_its_folder() {
        for (path, called) in [("/usr/bin/copyq", Some("CopyQ")), ("/opt/copyq/bin/editor", None), ("", None)] {
            assert_eq!(history(path), called, "{path}");
        }
    }
}
