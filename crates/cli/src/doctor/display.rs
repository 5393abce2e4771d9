use std::path::{Path, PathBuf};

use super::{Finding, Surroundings};

const CHECK: &str = "display";
const CURE: &str = "Only the window, tray and clipboard need one; for those, run the agent in a desktop session.";
const X_SOCKETS: &str = "/tmp/.X11-unix";

/// A display that a variable names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    variable: &'static str,
    value: String,
    /// Is its socket there? `None`: it is on another machine, or behind a tunnel.
    exists: Option<bool>,
}

pub(super) fn look(surroundings: &Surroundings) -> Finding {
    let value = |name| surroundings.variable(name);
    let runtime = surroundings.folder("XDG_RUNTIME_DIR");
    let wayland = value("WAYLAND_DISPLAY").map(|value| {
        let exists = runtime.map(|runtime| runtime.join(&value).exists());
        Named { variable: "WAYLAND_DISPLAY", value, exists }
    });
    let x11 = value("DISPLAY").map(|value| {
        let exists = x_socket(&value).map(|socket| socket.exists());
        Named { variable: "DISPLAY", value, exists }
    });
    verdict(&[wayland, x11].into_iter().flatten().collect::<Vec<_>>())
}

/// The socket of a display of this machine, such as `:0` or `:0.0`.
fn x_socket(display: &str) -> Option<PathBuf> {
    let number = display.strip_prefix(':').or_else(|| display.strip_prefix("unix:"))?.split('.').next()?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| Path::new(X_SOCKETS).join(format!("X{number}")))
}

fn verdict(named: &[Named]) -> Finding {
    if let Some(Named { variable, value, .. }) = named.iter().find(|named| named.exists != Some(false)) {
        return Finding::ok(CHECK, format!("{variable} names {value}."));
    }
    let what = match named {
        [] => "No display: neither WAYLAND_DISPLAY nor DISPLAY is set.".to_owned(),
        [Named { variable, value, .. }, ..] => format!("{variable} names {value}, and nothing is there."),
    };
    Finding::warn(CHECK, what, CURE)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_display_over_a_tunnel_is_believed() {
        assert_eq!(x_socket("localhost:10.0"), None);
        assert_eq!(x_socket(":1.0"), Some(PathBuf::from("/tmp/.X11-unix/X1")));
        let tunnel = Named { variable: "DISPLAY", value: "localhost:10.0".to_owned(), exists: None };
        assert_eq!(verdict(&[tunnel]).verdict, Verdict::Ok);
    }

    #[test]
    fn a_display_that_has_gone_is_named() {
        let gone = |variable| Named { variable, value: ":1".to_owned(), exists: Some(false) };
        let finding = verdict(&[gone("DISPLAY")]);
        assert_eq!(finding.what, "DISPLAY names :1, and nothing is there.");
        let there = Named { exists: Some(true), ..gone("DISPLAY") };
        assert_eq!(verdict(&[gone("WAYLAND_DISPLAY"), there]).verdict, Verdict::Ok);
        assert_eq!(verdict(&[]).verdict, Verdict::Warn);
    }
}
