//! A tar.gz for everybody else: everything below one folder, with a script that installs it for one person.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::contents::{PACKAGES, copy_program, write_file};
use super::edition::Edition;
use super::reproducible::{normalise, tar_gz};
use crate::command::{command, root, run};

/// Makes it from the packages' contents in `work`.
pub(super) fn make(edition: &Edition, work: &Path, folder: &Path) -> Result<()> {
    let name = format!("evertoken-{}-{}", edition.version, edition.triple);
    let tree = work.join(&name);
    fs::create_dir_all(&tree)?;
    for package in PACKAGES {
        let copy = ["--archive", "--no-target-directory"];
        run(command("cp").args(copy).arg(work.join(package.name).join("usr")).arg(&tree))?;
    }
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md"] {
        write_file(&tree.join(file), &fs::read(root().join(file))?)?;
    }
    copy_program(&root().join("packaging/archive/install.sh"), &tree.join("install.sh"))?;
    write_file(&tree.join("share/evertoken/installed-from"), b"the tar.gz\n")?;
    normalise(&tree, edition.epoch)?;
    tar_gz(work, &name, edition.epoch, &folder.join(format!("{name}.tar.gz")))
}
