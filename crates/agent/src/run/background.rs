//! An agent that a command started outlives that command, and holds nothing of it: no open file, no terminal, no
//! folder, and no variable but those of the person.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What belongs to the person or to the session, whatever program was started from.
const VARIABLES: [&str; 25] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DESKTOP_SESSION",
    "BROWSER",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "GSETTINGS_BACKEND",
    "NO_AT_BRIDGE",
    "RUST_BACKTRACE",
    "LLVM_PROFILE_FILE",
    "NO_COLOR",
    "NIX_SSL_CERT_FILE",
    "LOCPATH",
];
/// Families of them: locale, base directories, our own, and what the window's toolkit reads.
const FAMILIES: [&str; 11] =
    ["LC_", "XDG_", "EVERTOKEN_", "GTK_", "GDK_", "QT_", "KDE_", "GNOME_", "WEBKIT_", "LIBGL_", "MESA_"];
/// Of our own families, what a run of `evertoken proxy` gives to its command alone.
const NOT_KEPT: &str = "EVERTOKEN_PROXY_";
/// How requests leave this machine: taken from what the person or the machine set for every session, never from the
/// shell of the command.
const OF_THE_SESSION: [&str; 10] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Becomes an agent of its own. Comes back only when it cannot.
#[must_use]
pub fn become_background_agent(no_tray: bool) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    // They are closed when this process becomes the agent.
    close_fds::set_fds_cloexec(3, &[]);
    // Refused to the leader of a group, which has no terminal to lose.
    let _ = rustix::process::setsid();
    let mut command = Command::new(program);
    command.env_clear().envs(environment()).current_dir("/").arg("--announce-ready");
    if no_tray {
        command.arg("--no-tray");
    }
    std::os::unix::process::CommandExt::exec(&mut command)
}

fn environment() -> Vec<(OsString, OsString)> {
    let mut variables = settings_of_every_session();
    variables.extend(std::env::vars_os().filter(|(name, _)| is_kept(name)));
    for name in ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] {
        variables.extend(evertoken_client::environment::variable(name).map(|value| (name.into(), value)));
    }
    variables
}

fn is_kept(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let is_of_a_family = FAMILIES.iter().any(|family| name.starts_with(family)) && !name.starts_with(NOT_KEPT);
    VARIABLES.contains(&name) || is_of_a_family
}

/// `/etc/environment` (pam_env) and `environment.d` (environment.d(5)); what comes later holds.
fn settings_of_every_session() -> Vec<(OsString, OsString)> {
    let person = evertoken_client::environment::paths().ok();
    let person = person.and_then(|paths| Some(paths.config.parent()?.join("environment.d")));
    let mut files = vec![PathBuf::from("/etc/environment")];
    for folder in [Some(PathBuf::from("/etc/environment.d")), person].into_iter().flatten() {
        files.extend(configurations_in(&folder));
    }
    let texts = files.into_iter().filter_map(|file| fs::read_to_string(file).ok());
    texts.flat_map(|text| text.lines().filter_map(setting).collect::<Vec<_>>()).collect()
}

fn configurations_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "conf")).collect();
    files.sort();
    files
}

/// A line of such a file that says how requests leave this machine.
fn setting(line: &str) -> Option<(OsString, OsString)> {
    let line = line.trim();
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let quoted = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    OF_THE_SESSION.contains(&name.trim()).then(|| (name.trim().into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_shell_alone_is_left_behind() {
        for kept in ["HOME", "PATH", "LC_TIME", "XDG_STATE_HOME", "EVERTOKEN_LOG", "DISPLAY"] {
            assert!(is_kept(OsStr::new(kept)), "{kept}");
        }
        for left in [
            "HTTPS_PROXY",
            "SSL_CERT_FILE",
            "VAULT_ACCESS_TOKEN",
            "EVERTOKEN_PROXY_TOKEN",
            "LD_PRELOAD",
            "NOTIFY_SOCKET",
        ] {
            assert!(!is_kept(OsStr::new(left)), "{left}");
        }
    }

    #[test]
    fn a_proxy_that_is_set_for_every_session_is_used() {
        let set = |name: &str, value: &str| Some((name.into(), value.into()));
        assert_eq!(setting("HTTPS_PROXY=http://proxy:3128"), set("HTTPS_PROXY", "http://proxy:3128"));
        assert_eq!(setting("export no_proxy=\"a,b\""), set("no_proxy", "a,b"));
        for other in ["# HTTPS_PROXY=x", "PATH=/evil", "HTTPS_PROXY", ""] {
            assert_eq!(setting(other), None, "{other}");
        }
    }
}
