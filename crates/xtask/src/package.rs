//! The system packages, by what they are for, and how each is recognised where there is no dpkg.

/// A Debian package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name in Debian and Ubuntu.
    pub(crate) name: &'static str,
    /// How it shows itself on other systems.
    pub(crate) sign: Sign,
}

/// What shows that a package's content is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A program on the search path.
    Program(&'static str),
    /// A library that pkg-config knows.
    Library(&'static str),
    /// A file or folder.
    File(&'static str),
}

use Sign::{File, Library, Program};

const fn package(name: &'static str, sign: Sign) -> Package {
    Package { name, sign }
}

/// What the agent needs to be built: jemalloc is a C library with a makefile.
pub(crate) const AGENT: &[Package] = &[package("make", Program("make"))];

/// What the window needs to be built.
pub(crate) const WINDOW: &[Package] =
    &[package("libwebkit2gtk-4.1-dev", Library("webkit2gtk-4.1")), package("pkg-config", Program("pkg-config"))];

/// What the demo's own commands need.
pub(crate) const DEMO: &[Package] = &[package("curl", Program("curl"))];

/// What the end-to-end tests put on their private desktops. direnv, httpie, jq and python3 run the snippets of
/// `docs/recipes.md` and `docs/integrations`.
pub(crate) const TEST: &[Package] = &[
    package("bsdutils", Program("script")),
    package("dbus", Program("dbus-daemon")),
    package("desktop-file-utils", Program("desktop-file-validate")),
    package("direnv", Program("direnv")),
    package("dunst", Program("dunst")),
    package("faketime", Program("faketime")),
    package("gnome-keyring", Program("gnome-keyring-daemon")),
    package("httpie", Program("http")),
    package("imagemagick", Program("convert")),
    package("jq", Program("jq")),
    package("keepassxc", Program("keepassxc")),
    package("libsecret-tools", Program("secret-tool")),
    package("perl-base", Program("perl")),
    package("python3", Program("python3")),
    // Holds the agent in a system call, as a disk that does not answer would.
    package("strace", Program("strace")),
    // systemd-analyze checks the units, systemd-socket-activate hands the agent its socket.
    package("systemd", Program("systemd-analyze")),
    package("util-linux", Program("setpriv")),
    package("webkit2gtk-driver", Program("WebKitWebDriver")),
    package("x11-utils", Program("xdpyinfo")),
    package("xclip", Program("xclip")),
    package("xdotool", Program("xdotool")),
    package("xvfb", Program("Xvfb")),
];

/// A real panel, for the tray's picture.
pub(crate) const PANEL: &[Package] =
    &[package("openbox", Program("openbox")), package("xfce4-panel", Program("xfce4-panel"))];

/// Whole desktops, for `cargo xtask desktops`.
pub(crate) const DESKTOPS: &[Package] = &[
    package("lxqt-notificationd", Program("lxqt-notificationd")),
    package("lxqt-panel", Program("lxqt-panel")),
    package("lxqt-themes", File("/usr/share/lxqt/themes")),
    package("mako-notifier", Program("mako")),
    package("sway", Program("sway")),
    package("waybar", Program("waybar")),
    package("wl-clipboard", Program("wl-paste")),
    package("xfce4-notifyd", File("/usr/share/dbus-1/services/org.xfce.xfce4-notifyd.Notifications.service")),
    package("xfwm4", Program("xfwm4")),
];

/// For `cargo xtask bench`.
pub(crate) const BENCH: &[Package] = &[
    package("hyperfine", Program("hyperfine")),
    package("libglib2.0-bin", Program("gdbus")),
    package("wrk", Program("wrk")),
];

/// For `cargo xtask debian`.
pub(crate) const ROOTS: &[Package] =
    &[package("debootstrap", Program("debootstrap")), package("util-linux", Program("unshare"))];

/// For `cargo xtask test systemd`, beside those.
pub(crate) const BOOT: &[Package] = &[
    package("podman", Program("podman")),
    package("runc", Program("runc")),
    package("systemd-container", Program("systemd-nspawn")),
];

/// For `cargo xtask test windows`, beside those.
pub(crate) const MINGW: &[Package] = &[package("gcc-mingw-w64-x86-64", Program("x86_64-w64-mingw32-gcc"))];
/// For `cargo xtask package windows`, and what is tested of it.
pub(crate) const INSTALLER: &[Package] =
    &[package("nsis", Program("makensis")), package("unzip", Program("unzip")), package("zip", Program("zip"))];

/// For `cargo xtask package`, and what looks at the packages then.
pub(crate) const PACKAGING: &[Package] = &[
    package("appstream", Program("appstreamcli")),
    package("desktop-file-utils", Program("desktop-file-validate")),
    package("dpkg-dev", Program("dpkg-shlibdeps")),
    package("lintian", Program("lintian")),
    package("rpm", Program("rpmbuild")),
    package("rpmlint", Program("rpmlint")),
    package("xz-utils", Program("xz")),
];

/// The page's types are checked with tsc. Only looked for when there is no npm, which may come from elsewhere.
pub(crate) const NODE: &[Package] = &[package("nodejs", Program("node")), package("npm", Program("npm"))];

/// The packages that dpkg does not list as installed; `listed` is the output of
/// `dpkg-query -W -f '${db:Status-Status} ${Package}\n'`.
pub(crate) fn missing(wanted: &[Package], listed: &str) -> Vec<Package> {
    let is_installed = |package: &Package| {
        listed
            .lines()
            .filter_map(|line| line.split_once(' '))
            .any(|(status, name)| status == "installed" && name == package.name)
    };
    wanted.iter().filter(|package| !is_installed(package)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        let listed = "installed xvfb\nconfig-files xclip\nnot-installed dunst\ninstalled xclip-extra\n";
        let wanted: Vec<Package> = TEST
            .iter()
            .filter(|package| ["xvfb", "xclip", "dunst", "faketime"].contains(&package.name))
            .copied()
            .collect();
        let names: Vec<_> = missing(&wanted, listed).iter().map(|package| package.name).collect();
        assert_eq!(names, ["dunst", "faketime", "xclip"]);
        assert!(missing(&[], "").is_empty());
    }

    #[test]
    fn no_package_is_listed_twice() {
        let mut names: Vec<_> = [AGENT, WINDOW, DEMO, TEST, PANEL, DESKTOPS, BENCH, NODE]
            .concat()
            .iter()
            .map(|package| package.name)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
