//! A Debian with Wine, and a Windows in it that nobody has used. Both are made once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::binaries::target;
use crate::command::{command, root, run};
use crate::debian::debootstrap;

/// Mounts what the Debian needs, and starts a program.
const ENTER: &str = "crates/xtask/src/windows/enter.sh";
/// Older releases of Wine cannot start a program of Rust.
const SUITE: &str = "trixie";
const INSTALL: &str = "apt-get update -qq && apt-get install -y -qq --no-install-recommends wine wine64";
/// Wine's complaints about itself are not the programs'.
const VARIABLES: [(&str, &str); 3] =
    [("WINEDEBUG", "-all"), ("WINEPREFIX", "/mnt/prefix"), ("DEBIAN_FRONTEND", "noninteractive")];

/// The root.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(target()?.join("wine/root"))
}

/// The Windows.
pub(super) fn prefix() -> Result<PathBuf> {
    Ok(target()?.join("wine/prefix"))
}

/// Makes them, unless they are there. Each gets its name when it is whole.
pub(super) fn provide() -> Result<()> {
    let (folder, prefix, begin) = (folder()?, prefix()?, Instant::now());
    if !folder.exists() {
        let unfinished = anew(&folder)?;
        run(&mut debootstrap("ca-certificates", SUITE, &unfinished)?)?;
        fs::copy("/etc/resolv.conf", unfinished.join("etc/resolv.conf"))?;
        fs::write(unfinished.join("etc/dpkg/dpkg.cfg.d/throw-away"), "force-unsafe-io\n")?;
        run(command("chroot").envs(VARIABLES).arg(&unfinished).args(["sh", "-c", INSTALL]))?;
        fs::rename(unfinished, &folder)?;
    }
    if !prefix.exists() {
        let unfinished = anew(&prefix)?;
        let mut start = command("unshare");
        enter(&mut start, &unfinished, &unfinished)?;
        run(start.arg("chroot").arg(&folder).args(["sh", "-c", "wineboot --init && wineserver --wait"]))?;
        fs::rename(unfinished, &prefix)?;
        println!("== Wine is ready: {:.0} s, kept in {}", begin.elapsed().as_secs_f64(), folder.display());
    }
    Ok(())
}

/// Lets `unshare` enter the Debian with these programs and this Windows; what it is to start there comes next.
pub(super) fn enter(unshare: &mut Command, programs: &Path, prefix: &Path) -> Result<()> {
    unshare.args(["--mount", "--propagation", "private", "sh"]).arg(root().join(ENTER)).envs(VARIABLES);
    unshare.arg(folder()?).arg(programs).arg(prefix).arg(root());
    Ok(())
}

fn anew(folder: &Path) -> Result<PathBuf> {
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    Ok(unfinished)
}
