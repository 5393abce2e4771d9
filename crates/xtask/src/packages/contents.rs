//! Which file lies where in which package. One list for deb, rpm and tar.gz.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::edition::Edition;
use super::files_in;
use super::reproducible::{gzipped, normalise};
use crate::command::{command, output, root, run};

/// A package and what is in it.
pub(super) struct Package {
    pub(super) name: &'static str,
    pub(super) programs: &'static [&'static str],
    /// From the source's folder to the place below `/`. What ends in `.gz` there is compressed.
    files: &'static [(&'static str, &'static str)],
    /// Whether it has what `evertoken` prints itself: manual pages and completions.
    is_main: bool,
}

/// An icon that panels and desktops give their own colour.
macro_rules! symbolic {
    ($name:literal) => {
        (
            concat!("icons/symbolic/", $name, "-symbolic.svg"),
            concat!("usr/share/icons/hicolor/symbolic/apps/", $name, "-symbolic.svg"),
        )
    };
}

pub(super) const PACKAGES: &[Package] = &[
    Package {
        name: "evertoken",
        programs: &["evertoken", "evertoken-agent"],
        files: &[
            ("packaging/man/evertoken-agent.8", "usr/share/man/man8/evertoken-agent.8.gz"),
            ("packaging/man/evertoken-config.5", "usr/share/man/man5/evertoken-config.5.gz"),
            ("packaging/systemd/user/evertoken-agent.service", "usr/lib/systemd/user/evertoken-agent.service"),
            ("packaging/systemd/user/evertoken-agent.socket", "usr/lib/systemd/user/evertoken-agent.socket"),
            ("packaging/systemd/system/evertoken-agent.service", "usr/lib/systemd/system/evertoken-agent.service"),
            ("packaging/systemd/system/evertoken-agent.socket", "usr/lib/systemd/system/evertoken-agent.socket"),
            ("packaging/systemd/system/evertoken.sysusers", "usr/lib/sysusers.d/evertoken.conf"),
        ],
        is_main: true,
    },
    Package {
        name: "evertoken-desktop",
        programs: &["evertoken-desktop"],
        files: &[
            ("packaging/man/evertoken-desktop.1", "usr/share/man/man1/evertoken-desktop.1.gz"),
            ("packaging/evertoken.desktop", "usr/share/applications/evertoken.desktop"),
            ("packaging/evertoken-agent-autostart.desktop", "etc/xdg/autostart/evertoken-agent.desktop"),
            ("packaging/org.evertoken.desktop.metainfo.xml", "usr/share/metainfo/org.evertoken.desktop.metainfo.xml"),
            ("icons/evertoken.svg", "usr/share/icons/hicolor/scalable/apps/evertoken.svg"),
            symbolic!("evertoken"),
            ("icons/32x32.png", "usr/share/icons/hicolor/32x32/apps/evertoken.png"),
            ("icons/128x128.png", "usr/share/icons/hicolor/128x128/apps/evertoken.png"),
            ("icons/256x256.png", "usr/share/icons/hicolor/256x256/apps/evertoken.png"),
            ("icons/icon.png", "usr/share/icons/hicolor/512x512/apps/evertoken.png"),
            symbolic!("evertoken-valid"),
            symbolic!("evertoken-retrying"),
            symbolic!("evertoken-expired"),
            symbolic!("evertoken-login-required"),
            symbolic!("evertoken-keychain-unavailable"),
            symbolic!("evertoken-signed-out"),
            symbolic!("evertoken-copied"),
        ],
        is_main: false,
    },
    Package {
        name: "evertoken-sandbox",
        programs: &["evertoken-sandbox"],
        files: &[("packaging/man/evertoken-sandbox.1", "usr/share/man/man1/evertoken-sandbox.1.gz")],
        is_main: false,
    },
];

/// The file by which `evertoken doctor` knows how it was installed; each kind of package writes its own.
pub(super) const INSTALLED_FROM: &str = "usr/share/evertoken/installed-from";

/// The scripts that complete in a shell, and where each shell looks for them.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/evertoken"),
    ("zsh", "usr/share/zsh/vendor-completions/_evertoken"),
    ("fish", "usr/share/fish/vendor_completions.d/evertoken.fish"),
];

/// Writes the package's files below `folder` as they lie below `/` later.
pub(super) fn write(package: &Package, edition: &Edition, notices: &str, folder: &Path) -> Result<()> {
    for name in package.programs {
        copy_program(&edition.programs.join(name), &folder.join("usr/bin").join(name))?;
    }
    for (from, to) in package.files {
        let content = fs::read(root().join(from)).with_context(|| (*from).to_owned())?;
        write_file(&folder.join(to), &filled_in(content, edition))?;
    }
    let documents = folder.join("usr/share/doc").join(package.name);
    write_file(&documents.join("THIRD-PARTY-NOTICES.gz"), notices.as_bytes())?;
    if package.is_main {
        write_what_evertoken_prints(edition, folder)?;
    }
    normalise(folder, edition.epoch)
}

fn write_what_evertoken_prints(edition: &Edition, folder: &Path) -> Result<()> {
    let evertoken = edition.programs.join("evertoken").display().to_string();
    for (shell, to) in COMPLETIONS {
        let script = output(command(&evertoken).args(["completions", shell]))?;
        write_file(&folder.join(to), script.as_bytes())?;
    }
    let pages = folder.join("usr/share/man/man1");
    run(command(&evertoken).args(["man", "--dir"]).arg(&pages))?;
    for page in files_in(&pages)?.iter().filter(|page| page.extension().is_some_and(|kind| kind == "1")) {
        write_file(&page.with_added_extension("gz"), &fs::read(page)?)?;
        fs::remove_file(page)?;
    }
    Ok(())
}

/// Copies a program or a script with its folders.
pub(super) fn copy_program(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(Path::new("/")))?;
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    Ok(())
}

/// Writes a file with its folders.
pub(super) fn write_file(to: &Path, content: &[u8]) -> Result<()> {
    fs::create_dir_all(to.parent().unwrap_or(Path::new("/")))?;
    let is_compressed = to.extension().is_some_and(|kind| kind == "gz");
    let content = if is_compressed { &gzipped(content)? } else { content };
    fs::write(to, content).with_context(|| to.display().to_string())
}

/// A text with this edition's version and day; anything else as it is.
fn filled_in(content: Vec<u8>, edition: &Edition) -> Vec<u8> {
    match String::from_utf8(content) {
        Ok(text) => text.replace("@VERSION@", &edition.version).replace("@DATE@", &edition.date).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_packages_is_there() {
        for (from, to) in PACKAGES.iter().flat_map(|package| package.files) {
            assert!(root().join(from).is_file(), "{from}");
            assert!(!to.starts_with('/'), "{to}");
        }
    }

    #[test]
    fn every_symbolic_icon_is_in_a_package() -> Result<()> {
        let is_packaged =
            |file: &Path| PACKAGES.iter().flat_map(|package| package.files).any(|(from, _)| root().join(from) == *file);
        for icon in files_in(&root().join("icons/symbolic"))? {
            assert!(is_packaged(&icon), "{}", icon.display());
        }
        Ok(())
    }
}
