//! How tests are called: shut off from the person's own desktop.

use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::build;

#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Only this subject: the tests of a package (`core`), and the end-to-end tests with this in their names; `systemd`
    /// follows docs/servers.md in a separate machine, `windows` runs the programs for Windows under Wine, `packages` makes the
    /// packages, then installs, upgrades and removes them (as root)
    #[arg(conflicts_with = "quick")]
    pub(crate) name: Option<String>,
    /// Leave out the end-to-end tests, which need a private desktop, and the check for Windows and macOS
    #[arg(long, conflicts_with = "soak")]
    pub(crate) quick: bool,
    /// Repeat what depends on chance far more often (sets EVERTOKEN_SOAK=1)
    #[arg(long)]
    pub(crate) soak: bool,
}

/// cargo as the build had it, shut off like the tests.
pub(crate) fn unit_test_command(arguments: &str, options: &Options) -> Command {
    let mut tests = build::with_lints(arguments);
    shut_off_from_the_desktop(&mut tests);
    if options.soak {
        tests.env("EVERTOKEN_SOAK", "1");
    }
    tests
}

/// A test program, shut off like the tests.
pub(crate) fn shut_off(program: &Path) -> Command {
    let mut tests = if cfg!(target_os = "linux") {
        // In the background of a script these are ignored, and the programs under test would leave them so.
        let mut env = Command::new("env");
        env.arg("--default-signal=HUP,INT").arg(program);
        env
    } else {
        Command::new(program)
    };
    shut_off_from_the_desktop(&mut tests);
    tests
}

/// Shut off from the person's own desktop: a test that wants one makes one.
fn shut_off_from_the_desktop(tests: &mut Command) {
    tests.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/session-bus");
    tests.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system-bus");
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "EVERTOKEN_SOCKET", "EVERTOKEN_KEYCHAIN_SERVICE", "EVERTOKEN_LOG"] {
        tests.env_remove(name);
    }
}
