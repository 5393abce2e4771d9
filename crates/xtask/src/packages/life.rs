//! `cargo xtask test packages`: the packages as the distributions' tools see them, the same bytes twice, and their life in a
//! fresh Debian: installed, used, upgraded under a running agent, downgraded, removed, purged.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::edition::Edition;
use super::looked_at::{look_at, look_at_desktop};
use super::{make, make_debs, print_sizes, rpm, third_party};
use crate::binaries::target;
use crate::command::{self, command, is_on_path, run};
use crate::setup;
use crate::systemd::{KIT, Machine, PACKAGES, Shown, provide};

/// What the window needs, a keychain, a screen with a panel, and GTK's word about icons.
const DESKTOP: &str =
    "gnome-keyring,libwebkit2gtk-4.1-0,xvfb,xdotool,xfce4-panel,gir1.2-gtk-3.0,python3-gi,librsvg2-common";
/// The tools of other distributions.
const ELSEWHERE: &str = "rpm,makepkg,pacman-package-manager,libarchive-tools,fakeroot,zstd";
/// What each script shows, and the script. They run in this order in one machine, and as root.
const PARTS: [(&str, &str); 7] = [
    ("installed", include_str!("life/install.sh")),
    ("window, icons and tray", include_str!("life/desktop.sh")),
    ("upgraded while agents run", include_str!("life/upgrade.sh")),
    ("removed and purged", include_str!("life/remove.sh")),
    ("the tar.gz, for one person", include_str!("life/archive.sh")),
    ("the rpms", include_str!("life/rpm.sh")),
    ("PKGBUILD", include_str!("life/arch.sh")),
];
/// The version before this one, and one after it: the same programs, as dpkg and rpm compare versions.
const EARLIER: &str = "0.0.9";
const LATER: &str = "999";

pub(crate) fn test() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "packages are made on Linux only");
    setup::for_the_life_of_a_package()?;
    let edition = Edition::build()?;
    let begin = Instant::now();
    let folder = target()?.join("packages");
    make(&edition, &folder)?;
    step("made", begin);
    look_at(&folder)?;
    look_into_the_window(&folder)?;
    step("lintian, rpmlint, desktop-file-validate, appstreamcli", begin);
    is_made_the_same_again(&edition, &folder)?;
    step("the same bytes again", begin);
    if !setup::is_root() || !is_on_path("debootstrap") {
        println!(
            "\nSkipped: installing, upgrading and removing the packages in a fresh Debian (needs root and debootstrap)."
        );
        return Ok(());
    }
    live(&edition, &folder)?;
    print_sizes(&folder)?;
    println!("\nAll passed, in {:.0} s after the build.", begin.elapsed().as_secs_f64());
    Ok(())
}

fn step(what: &str, begin: Instant) {
    println!("== {what}: {:.0} s", begin.elapsed().as_secs_f64());
}

fn look_into_the_window(folder: &Path) -> Result<()> {
    let contents = folder.join("contents");
    run(command("sh")
        .args(["-c", "dpkg-deb --extract \"$1\"/evertoken-desktop_*.deb \"$2\"", "sh"])
        .arg(folder)
        .arg(&contents))?;
    look_at_desktop(&contents)?;
    Ok(fs::remove_dir_all(contents)?)
}

fn is_made_the_same_again(edition: &Edition, folder: &Path) -> Result<()> {
    let again = target()?.join("packages-again");
    make(edition, &again)?;
    let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).context("SHA256SUMS");
    let (first, second) = (sums(folder)?, sums(&again)?);
    ensure!(first == second, "made twice, the packages differ:\n{first}\n{second}");
    Ok(fs::remove_dir_all(again)?)
}

fn live(edition: &Edition, folder: &Path) -> Result<()> {
    let place = target()?.join("packages-root");
    let begin = Instant::now();
    provide(&place.join("root"), &format!("{PACKAGES},{DESKTOP},{ELSEWHERE}"))?;
    let source = command::root();
    let mut shown = vec![
        Shown { folder: folder.to_owned(), name: "packages" },
        Shown { folder: edition.programs.clone(), name: "release" },
        Shown { folder: source.join("packaging"), name: "source/packaging" },
        Shown { folder: source.join("icons"), name: "source/icons" },
        Shown { folder: source.join("LICENSE-MIT"), name: "source/LICENSE-MIT" },
    ];
    for (version, name) in [(EARLIER, "earlier"), (LATER, "later")] {
        make_as(version, edition, &place.join(name))?;
        shown.push(Shown { folder: place.join(name), name });
    }
    let machine = Machine::boot(&place, shown)?;
    step("booted", begin);
    for (name, script) in PARTS {
        println!("\n== {name}");
        let start = Instant::now();
        machine.run(&format!("{KIT}\n{script}")).with_context(|| format!("{name}: failed"))?;
        step(name, start);
    }
    Ok(())
}

/// The same programs under another version, packed in a hurry; as rpms only where the rpms begin.
fn make_as(version: &str, edition: &Edition, folder: &Path) -> Result<()> {
    let edition = Edition { version: version.to_owned(), compression: 0, ..edition.clone() };
    let work = make_debs(&edition, &third_party::crates(&edition.triple)?, folder)?;
    if version == EARLIER {
        rpm::make(&edition, &work, folder)?;
    }
    Ok(fs::remove_dir_all(work)?)
}
