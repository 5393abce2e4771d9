//! What people with Windows install: a setup program, a zip, and what winget and scoop read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::contents::write_file;
use super::edition::{Edition, PROGRAMS};
use super::reproducible::normalise;
use super::{notices, third_party, write_sums};
use crate::command::{command, output, root, run};

const SCRIPT: &str = "packaging/windows/installer.nsi";
/// Filled in and put beside the packages. Where a release is published, `@RELEASES@` is filled in by hand.
const MANIFESTS: [&str; 4] = [
    "winget/Evertoken.Evertoken.yaml",
    "winget/Evertoken.Evertoken.installer.yaml",
    "winget/Evertoken.Evertoken.locale.en-US.yaml",
    "scoop/evertoken.json",
];

/// Makes everything anew in this folder, from programs that were built for `target`. The window is packed if it was built.
pub(crate) fn make_for_windows(programs: &Path, target: &str, version: &str, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let edition = Edition { version: version.to_owned(), ..Edition::of_this_source()? };
    let name = format!("evertoken-{version}-windows-x86_64");
    let tree = write_tree(programs, &notices::text(&third_party::crates(target)?)?, &folder.join("work").join(&name))?;
    let zip = folder.join(format!("{name}.zip"));
    say_where_from(&tree, "zip", &edition)?;
    pack(&tree, &zip)?;
    let setup = folder.join(format!("{name}-setup.exe"));
    say_where_from(&tree, "setup program", &edition)?;
    make_setup(&tree, &edition, &setup, !programs.ends_with("release"))?;
    fs::remove_dir_all(folder.join("work"))?;
    write_manifests(&edition, &sha256(&setup)?, &sha256(&zip)?, folder)?;
    write_sums(folder)
}

fn write_tree(programs: &Path, notices: &str, tree: &Path) -> Result<PathBuf> {
    fs::create_dir_all(tree.join("bin"))?;
    for program in PROGRAMS.iter().map(|name| format!("{name}.exe")).filter(|name| programs.join(name).is_file()) {
        let mut strip = command("x86_64-w64-mingw32-strip");
        run(strip.arg("-o").arg(tree.join("bin").join(&program)).arg(programs.join(&program)))?;
    }
    for (from, to) in [
        ("icons/icon.ico", "evertoken.ico"),
        ("LICENSE-APACHE", "LICENSE-APACHE.txt"),
        ("LICENSE-MIT", "LICENSE-MIT.txt"),
        ("CHANGELOG.md", "CHANGELOG.md"),
    ] {
        write_file(&tree.join(to), &fs::read(root().join(from)).with_context(|| from.to_owned())?)?;
    }
    write_file(&tree.join("THIRD-PARTY-NOTICES.txt"), notices.as_bytes())?;
    Ok(tree.to_owned())
}

/// For `evertoken doctor`.
fn say_where_from(tree: &Path, kind: &str, edition: &Edition) -> Result<()> {
    write_file(&tree.join("share/evertoken/installed-from"), format!("the {kind}\n").as_bytes())?;
    normalise(tree, edition.epoch)
}

fn pack(tree: &Path, to: &Path) -> Result<()> {
    let folder = tree.parent().unwrap_or(tree);
    let name = tree.file_name().unwrap_or_default();
    let files = output(command("find").arg(name).args(["-type", "f"]).current_dir(folder))?;
    let mut files: Vec<&str> = files.lines().collect();
    files.sort_unstable();
    let mut zip = command("zip");
    zip.args(["--quiet", "-X"]).arg(to).args(files).current_dir(folder).env("TZ", "UTC");
    run(&mut zip)
}

fn make_setup(tree: &Path, edition: &Edition, to: &Path, quick: bool) -> Result<()> {
    let mut makensis = command("makensis");
    makensis.args(["-V2", "-WX"]).env("SOURCE_DATE_EPOCH", edition.epoch.to_string());
    makensis.arg(format!("-DVERSION={}", edition.version)).arg(format!("-DTREE={}", tree.display()));
    if tree.join("bin/evertoken-desktop.exe").is_file() {
        makensis.arg("-DWINDOW");
    }
    if quick {
        makensis.arg("-DQUICK");
    }
    run(makensis.arg(format!("-DOUT={}", to.display())).arg(root().join(SCRIPT)))
}

fn write_manifests(edition: &Edition, setup: &str, zip: &str, folder: &Path) -> Result<()> {
    for name in MANIFESTS {
        let template = fs::read_to_string(root().join("packaging/windows").join(name))?;
        let text = template.replace("@VERSION@", &edition.version).replace("@DATE@", &edition.date);
        let text = text.replace("@SHA256_OF_SETUP@", &setup.to_uppercase()).replace("@SHA256_OF_ZIP@", zip);
        write_file(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let sum = output(command("sha256sum").arg(file))?;
    Ok(sum.split(' ').next().with_context(|| format!("no checksum of {}", file.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn the_manifests_name_what_was_made_and_nothing_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let edition = Edition { version: "7.8.9".to_owned(), ..Edition::of_this_source().unwrap() };
        write_manifests(&edition, "aa", "bb", folder.path()).unwrap();
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        for name in MANIFESTS {
            let left = text(name).replace("@RELEASES@", "");
            assert!(left.contains("7.8.9") && !left.contains('@'), "{left}");
        }
        assert!(text(MANIFESTS[1]).contains("InstallerSha256: AA"));
        let scoop: serde_json::Value = serde_json::from_str(&text(MANIFESTS[3])).unwrap();
        assert_eq!(scoop["architecture"]["64bit"]["hash"], "bb");
    }
}
