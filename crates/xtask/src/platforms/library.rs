//! The standard library of a target: compiled by rustup, or its sources.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::command::{command, is_on_path, output, run, succeeds};
use crate::mirror::mirror;

/// Names an archive of the folder `library` of Rust's sources, in the version of this compiler.
const ARCHIVE: &str = "EVERTOKEN_RUST_LIBRARY";
const LIBRARY: &str = "library";
/// Downloads the same from Debian: the version, the mirror, and the folder in which `library` is to be.
const DOWNLOAD: &str = include_str!("rust-src.sh");

pub(super) enum Library {
    /// By rustup.
    Compiled,
    /// In this folder.
    Sources(PathBuf),
    /// Why there is neither.
    Missing(String),
}

impl Library {
    /// What is here for a target.
    pub(super) fn of(target: &str) -> Result<Self> {
        if Path::new(&rustc(&["--print", "target-libdir", "--target", target])?).is_dir() {
            return Ok(Self::Compiled);
        }
        let own = own_folder()?;
        let with_the_compiler = Path::new(&rustc(&["--print", "sysroot"])?).join("lib/rustlib/src/rust/library");
        if let Some(found) = [with_the_compiler, own.join(LIBRARY)].into_iter().find(|sources| sources.is_dir()) {
            return Ok(Self::Sources(found));
        }
        match env::var_os(ARCHIVE).map(PathBuf::from) {
            Some(archive) => unpack(&archive, &own),
            None => Ok(Self::Missing(advice(target))),
        }
    }
}

fn advice(target: &str) -> String {
    format!(
        "its standard library is not here; get it with `cargo xtask setup --platforms` or `rustup target add {target}`"
    )
}

/// `cargo xtask setup --platforms`: from rustup, or else the sources from Debian.
pub(crate) fn provide() -> Result<()> {
    let targets = super::PLATFORMS.map(|(_, target)| target);
    let is_here = |target: &&str| matches!(Library::of(target), Ok(Library::Compiled | Library::Sources(_)));
    if targets.iter().all(is_here) {
        return Ok(());
    }
    if is_on_path("rustup") && run(command("rustup").args(["target", "add"]).args(targets)).is_ok() {
        return Ok(());
    }
    let mut download = command("sh");
    download.args(["-c", DOWNLOAD, "sh", &release()?, &mirror()?]).arg(own_folder()?);
    run(&mut download)
        .context("no sources of Rust's standard library in this version, neither from rustup nor from Debian")
}

/// Where we keep sources, by version: another compiler needs others.
fn own_folder() -> Result<PathBuf> {
    Ok(super::folder()?.join(format!("rust-{}", release()?)))
}

fn unpack(archive: &Path, folder: &Path) -> Result<Library> {
    let release = release()?;
    if !archive.to_string_lossy().contains(&release) {
        return Ok(Library::Missing(format!("{} is not named after Rust {release}", archive.display())));
    }
    let unfinished = folder.with_added_extension("unfinished");
    fs::create_dir_all(&unfinished)?;
    let mut tar = command("tar");
    if !succeeds(tar.arg("-xf").arg(archive).arg("-C").arg(&unfinished)) {
        return Ok(Library::Missing(format!("{} cannot be unpacked", archive.display())));
    }
    fs::rename(&unfinished, folder)?;
    Ok(Library::Sources(folder.join(LIBRARY)))
}

/// The compiler's version: `1.95.0`.
fn release() -> Result<String> {
    let text = rustc(&["-vV"])?;
    let release = text.lines().find_map(|line| line.strip_prefix("release: "));
    Ok(release.context("rustc does not say its version")?.to_owned())
}

fn rustc(arguments: &[&str]) -> Result<String> {
    Ok(output(command("rustc").args(arguments))?.trim().to_owned())
}
