//! `cargo xtask test windows`: the unit tests and the programs for Windows, run by Wine in a Debian of its own.

mod programs;
mod root;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::binaries::target;
use crate::build;
use crate::command::run;
use crate::end_to_end::{EndToEnd, NEEDS_WINE};
use crate::packages;
use crate::setup;
use crate::test_command::{Options, shut_off};

/// The version that an upgrade begins with.
const EARLIER: &str = "0.0.9";

/// `cargo xtask test windows`.
pub(crate) fn test(options: &Options) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "Wine's Debian can be made on Linux only; on Windows, use cargo xtask test");
    ensure!(setup::is_root(), "this needs root, to enter another root file system: run it as root");
    setup::for_windows()?;
    root::provide()?;
    let unit_tests = programs::build()?;
    let begin = Instant::now();
    for program in &unit_tests {
        let mut test = in_wine(Path::new("chroot"))?;
        test.arg(root::folder()?).args(["wine", program, "--quiet"]);
        run(&mut test).with_context(|| format!("the unit tests in {program}"))?;
    }
    println!("== unit tests under Wine: {:.0} s", begin.elapsed().as_secs_f64());
    programs::build_desk()?;
    make_packages()?;
    let program = build::end_to_end(false)?;
    let tests = EndToEnd { program, command: |test| in_wine(test), soak: options.soak, pictures: None };
    tests.run(tests.names(NEEDS_WINE)?)
}

/// `cargo xtask package windows`: the setup program and the zip, in `target/packages/windows`.
pub(crate) fn package() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "the setup program is made with Debian's makensis, on Linux only");
    setup::for_windows()?;
    let folder = target()?.join("packages/windows");
    let programs = programs::build_for_people()?;
    packages::make_for_windows(&programs, programs::TARGET, env!("CARGO_PKG_VERSION"), &folder)?;
    println!("\n{}", folder.display());
    Ok(())
}

/// This version and an earlier one of the same programs, where the tests look for them.
fn make_packages() -> Result<()> {
    let programs = programs::folder()?;
    for (version, name) in [(env!("CARGO_PKG_VERSION"), "packages"), (EARLIER, "packages-before")] {
        packages::make_for_windows(&programs, programs::TARGET, version, &programs.join(name))?;
    }
    Ok(())
}

/// A program of this machine that sees the Debian with everything in its place.
fn in_wine(program: &Path) -> Result<Command> {
    let mut command = shut_off(Path::new("unshare"));
    root::enter(&mut command, &programs::folder()?, &root::prefix()?)?;
    command.arg(program).env("EVERTOKEN_WINE", root::folder()?);
    Ok(command)
}
