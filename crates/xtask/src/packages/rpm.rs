//! The packages of Fedora, openSUSE and their like, with rpm's own tools.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::contents::PACKAGES;
use super::edition::Edition;
use super::files_in;
use crate::command::{command, output, root, run};

/// Makes them from the packages' contents in `work`.
pub(super) fn make(edition: &Edition, work: &Path, folder: &Path) -> Result<()> {
    let top = work.join("rpm");
    let contents = top.join("contents");
    fs::create_dir_all(&contents)?;
    let at = format!("@{}", edition.epoch);
    let day = output(command("date").env("LC_ALL", "C").args(["--utc", "+%a %b %d %Y", "--date", &at]))?;
    for package in PACKAGES {
        run(command("cp").args(["--archive", "--no-target-directory"]).arg(work.join(package.name)).arg(&contents))?;
    }
    let mut build = command("rpmbuild");
    build.args(["-bb", "--quiet", "--target", edition.machine()]).env("SOURCE_DATE_EPOCH", edition.epoch.to_string());
    for (name, value) in [
        ("_topdir", top.display().to_string()),
        ("contents", contents.display().to_string()),
        ("licences", root().display().to_string()),
        ("edition", edition.version.clone()),
        ("day", day.trim().to_owned()),
        ("_binary_payload", format!("w{}.xzdio", edition.compression)),
        // What rpm would take from this machine.
        ("_buildhost", "localhost".to_owned()),
        ("use_source_date_epoch_as_buildtime", "1".to_owned()),
        ("clamp_mtime_to_source_date_epoch", "1".to_owned()),
    ] {
        build.arg("--define").arg(format!("{name} {value}"));
    }
    run(build.arg(root().join("packaging/rpm/evertoken.spec")))?;
    for file in files_in(&top.join("RPMS").join(edition.machine()))? {
        fs::copy(&file, folder.join(file.file_name().unwrap_or_default()))?;
    }
    Ok(())
}
