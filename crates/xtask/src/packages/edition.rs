//! The release build that is packed, and what it is called.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::binaries::{builds_for_people, target};
use crate::command::{command, output, root, run};

/// The programs of all packages, which are also the names of their crates.
pub(super) const PROGRAMS: [&str; 4] = ["evertoken", "evertoken-agent", "evertoken-desktop", "evertoken-sandbox"];

/// One build of the programs under one version.
#[derive(Debug, Clone)]
pub(super) struct Edition {
    /// Such as `0.1.0`.
    pub(super) version: String,
    /// The moment that every file in the packages carries, in seconds since 1970.
    pub(super) epoch: u64,
    /// The same as a day.
    pub(super) date: String,
    /// Where the programs are.
    pub(super) programs: PathBuf,
    /// Such as `x86_64-unknown-linux-gnu`.
    pub(super) triple: String,
    /// How hard xz tries, from 0 to 9.
    pub(super) compression: u8,
}

impl Edition {
    /// Builds the programs as they are released: with commit and date in `--version`, and nothing of this machine's folders.
    pub(super) fn build() -> Result<Self> {
        let edition = Self::of_this_source()?;
        for mut build in builds_for_people(PROGRAMS.into_iter(), "--locked") {
            build.env("EVERTOKEN_BUILD_VERSION", edition.full_version()?);
            build.env("RUSTFLAGS", remapped_paths(&cargo_home(), &root())?);
            // With the compiler alone, whatever checks the caller has in its place.
            build.env_remove("RUSTC_WORKSPACE_WRAPPER").env_remove("CLIPPY_ARGS");
            run(&mut build)?;
        }
        Ok(edition)
    }

    /// What the source says about itself.
    pub(super) fn of_this_source() -> Result<Self> {
        let epoch = epoch()?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch,
            date: output(command("date").args(["--utc", "+%F", "--date", &format!("@{epoch}")]))?.trim().to_owned(),
            programs: target()?.join("release"),
            triple: host()?,
            compression: 6,
        })
    }

    /// What `evertoken --version` prints: version, commit and day.
    fn full_version(&self) -> Result<String> {
        let commit = output(command("git").args(["rev-parse", "--short=10", "HEAD"]))?;
        let build = [commit.trim(), &self.date].join(" ");
        Ok(format!("{} ({})", self.version, build.trim()))
    }

    /// The first part of the triple, as rpm and most of the world say it.
    pub(super) fn machine(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }
}

/// What this machine builds for.
fn host() -> Result<String> {
    let about_rustc = output(command("rustc").arg("-vV"))?;
    let triple = about_rustc.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(triple.context("rustc does not name its host")?.to_owned())
}

/// What the caller says (reproducible-builds.org), or the moment of the commit.
fn epoch() -> Result<u64> {
    let said = env::var("SOURCE_DATE_EPOCH").ok();
    let text = match said {
        Some(text) => text,
        None => output(command("git").args(["log", "-1", "--format=%ct"]))?,
    };
    text.trim().parse().context("without git, set SOURCE_DATE_EPOCH to the release's moment in seconds since 1970")
}

fn cargo_home() -> PathBuf {
    let home = || env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Two machines with other folders build the same bytes.
fn remapped_paths(cargo_home: &Path, source: &Path) -> Result<String> {
    let sources = cargo_home.join("registry/src");
    let mut folders: Vec<(PathBuf, &str)> = Vec::new();
    for registry in fs::read_dir(&sources).with_context(|| sources.display().to_string())?.flatten() {
        folders.push((registry.path(), "/registry"));
    }
    folders.sort();
    folders.push((source.to_owned(), "/evertoken"));
    let flags = folders.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()));
    Ok(flags.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn nothing_of_this_machines_folders_is_in_the_programs() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("registry/src/index-1")).unwrap();
        let flags = remapped_paths(home.path(), Path::new("/here")).unwrap();
        let registry = home.path().join("registry/src/index-1");
        assert_eq!(
            flags,
            format!("--remap-path-prefix={}=/registry --remap-path-prefix=/here=/evertoken", registry.display())
        );
    }
}
