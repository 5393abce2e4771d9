//! `cargo xtask platforms`: the workspace checked and linted for Windows and macOS, on a machine that is neither.

mod library;
mod stubs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::binaries::target;
use crate::build;
use crate::command::run;
use library::Library;
pub(crate) use library::provide;

/// What each is called, and the target of its compiler.
const PLATFORMS: [(&str, &str); 2] = [("Windows", "x86_64-pc-windows-gnu"), ("macOS", "aarch64-apple-darwin")];

/// Checks the whole workspace, tests included, for each platform whose standard library is here, and names the others.
pub(crate) fn check() -> Result<()> {
    if cfg!(windows) {
        println!("Windows and macOS are not checked: the stand-in for their C compilers is a shell script");
        return Ok(());
    }
    // Of its own: what the host's build has made stays as it is.
    let folder = folder()?;
    for (platform, target) in PLATFORMS {
        check_for(platform, target, &folder)?;
    }
    Ok(())
}

fn folder() -> Result<PathBuf> {
    Ok(target()?.join("platforms"))
}

fn check_for(platform: &str, target: &str, folder: &Path) -> Result<()> {
    let begin = Instant::now();
    let mut check = build::with_lints("check --workspace --all-targets --keep-going");
    check.args(["--target", target]).arg("--target-dir").arg(folder);
    stubs::stand_in(&mut check, target, folder)?;
    if let Some(why) = bring_library(&mut check, target)? {
        println!("{platform} is not checked: {why}");
        return Ok(());
    }
    run(&mut check).with_context(|| format!("the code for {platform}"))?;
    println!("{platform} is checked: {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// Is the target's standard library here as its makers compiled it?
pub(crate) fn is_compiled(target: &str) -> Result<bool> {
    Ok(matches!(Library::of(target)?, Library::Compiled))
}

/// Gives cargo the standard library of a target; says why it cannot, where it cannot.
///
/// Sources are compiled. Stable compilers do that only if they are told to bootstrap, so nothing that is made so is ever
/// released.
pub(crate) fn bring_library(cargo: &mut Command, target: &str) -> Result<Option<String>> {
    match Library::of(target)? {
        Library::Compiled => {}
        Library::Missing(why) => return Ok(Some(why)),
        Library::Sources(sources) => {
            cargo.arg("-Zbuild-std").env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", sources);
        }
    }
    Ok(None)
}
