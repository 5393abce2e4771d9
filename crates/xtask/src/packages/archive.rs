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
    let name = name(&edition.version, &edition.triple);
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

/// The folder in it, and its file's name without the end.
fn name(version: &str, triple: &str) -> String {
    format!("evertoken-{version}-{triple}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn cargo_binstall_finds_the_programs_in_the_archive() {
        let name = name("{ version }", "{ target }");
        for package in ["crates/cli", "crates/agent"] {
            let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
            assert!(manifest.contains(&format!("/v{{ version }}/{name}.tar.gz\"\n")), "{package}");
            let programs = format!("bin-dir = \"{name}/bin/{{ bin }}{{ binary-ext }}\"\n");
            assert!(manifest.contains(&programs), "{package}: not {programs}");
        }
    }
}
