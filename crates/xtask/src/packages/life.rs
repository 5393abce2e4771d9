//! `cargo xtask test packages`: the packages as the distributions' tools see them, the same bytes twice, and their life in a
//! fresh Debian: installed, used, upgraded under a running agent, downgraded, removed, purged.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::edition::Edition;
use super::looked_at::{look_at, look_at_dependencies, look_at_desktop};
use super::{make, make_debs, third_party};
use crate::binaries::target;
use crate::command::{command, run};
use crate::setup;
use crate::systemd::{KIT, Machine, PACKAGES, Shown, provide};

/// What the window needs, a keychain, and a screen to see it on.
const DESKTOP: &str = "gnome-keyring,libwebkit2gtk-4.1-0,xvfb,xdotool";
/// What each script shows, and the script. They run in this order in one machine, and as root.
const PARTS: [(&str, &str); 4] = [
    ("installed", include_str!("life/install.sh")),
    ("upgraded while agents run", include_str!("life/upgrade.sh")),
    ("removed and purged", include_str!("life/remove.sh")),
    ("the tar.gz, for one person", include_str!("life/archive.sh")),
];
/// The version before this one, and one after it: the same programs, as dpkg and rpm compare versions.
const EARLIER: &str = "0.0.9";
const LATER: &str = "999";

pub(crate) fn test() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "packages are made on Linux only");
    setup::for_the_life_of_a_package()?;
    look_at_dependencies()?;
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
    if !setup::is_root() || !crate::command::is_on_path("debootstrap") {
        println!(
            "\nSkipped: installing, upgrading and removing the packages in a fresh Debian (needs root and debootstrap)."
        );
        return Ok(());
    }
    live(&edition, &folder)?;
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
    provide(&place.join("root"), &format!("{PACKAGES},{DESKTOP}"))?;
    let mut shown = vec![Shown { folder: folder.to_owned(), name: "packages" }];
    for (version, name) in [(EARLIER, "earlier"), (LATER, "later")] {
        let made = place.join(name);
        let edition = Edition { version: version.to_owned(), ..edition.clone() };
        fs::remove_dir_all(make_debs(&edition, &third_party::crates(&edition.triple)?, &made)?)?;
        shown.push(Shown { folder: made, name });
    }
    let begin = Instant::now();
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
