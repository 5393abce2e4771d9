//! `cargo xtask package`: deb, rpm and tar.gz from one release build, with checksums, a bill of materials and the licences of
//! what is inside.

mod archive;
mod bill_of_materials;
mod contents;
mod deb;
mod edition;
mod life;
mod looked_at;
mod notices;
mod release_notes;
mod reproducible;
mod rpm;
mod third_party;
mod windows;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::binaries::target;
use crate::command::{command, output};
use crate::setup;
use edition::Edition;
pub(crate) use life::test;
pub(crate) use looked_at::look_at_dependencies;
pub(crate) use release_notes::release_notes;
use third_party::Crate;
pub(crate) use windows::make_for_windows;

/// Builds the programs and packs them into `target/packages`.
pub(crate) fn package() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "packages are made on Linux only, on the oldest Debian that they are for");
    setup::for_packaging()?;
    let edition = Edition::build()?;
    let folder = target()?.join("packages");
    make(&edition, &folder)?;
    print_sizes(&folder)
}

fn print_sizes(folder: &Path) -> Result<()> {
    println!("\n{}", folder.display());
    for file in files_in(folder)? {
        println!("{:>9} KiB  {}", fs::metadata(&file)?.len().div_ceil(1024), name_of(&file));
    }
    Ok(())
}

/// Makes every package of this edition anew in this folder.
fn make(edition: &Edition, folder: &Path) -> Result<()> {
    let crates = third_party::crates(&edition.triple)?;
    let work = make_debs(edition, &crates, folder)?;
    fs::write(
        folder.join(format!("evertoken-{}.cdx.json", edition.version)),
        bill_of_materials::of(edition, &crates)?,
    )?;
    rpm::make(edition, &work, folder).context("the rpms")?;
    archive::make(edition, &work, folder).context("the tar.gz")?;
    fs::remove_dir_all(&work)?;
    write_sums(folder)
}

/// Makes the debs alone; the packages' contents stay in the folder that is returned.
fn make_debs(edition: &Edition, crates: &[Crate], folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let work = folder.join("work");
    let notices = notices::text(crates)?;
    for package in contents::PACKAGES {
        let root = work.join(package.name);
        contents::write(package, edition, &notices, &root)?;
        deb::make(package, edition, &root, folder).with_context(|| format!("the deb of {}", package.name))?;
    }
    Ok(work)
}

/// As `sha256sum --check` reads it.
fn write_sums(folder: &Path) -> Result<()> {
    let names: Vec<String> = files_in(folder)?.iter().map(|file| name_of(file)).collect();
    let sums = output(command("sha256sum").args(&names).current_dir(folder))?;
    ensure!(sums.lines().count() == names.len(), "not every package has a checksum");
    Ok(fs::write(folder.join("SHA256SUMS"), sums)?)
}

/// The files in a folder, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
