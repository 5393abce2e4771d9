//! The root folder that is booted: made once, and never changed after that.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::command::run;
use crate::debian::debootstrap;

/// Makes it with these packages, unless it is there with just these. It gets its name when it is whole.
pub(crate) fn provide(folder: &Path, packages: &str) -> Result<()> {
    let list = folder.with_extension("packages");
    if folder.exists() && fs::read_to_string(&list).is_ok_and(|made_with| made_with == packages) {
        return Ok(());
    }
    let begin = Instant::now();
    let unfinished = folder.with_extension("unfinished");
    for old in [folder, &unfinished] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&unfinished)?;
    run(&mut debootstrap(packages, &own_release()?, &unfinished)?)?;
    // Debian's installer writes it, debootstrap does not; sudo looks the machine's own name up.
    fs::write(unfinished.join("etc/hosts"), "127.0.0.1 localhost server\n::1 localhost\n")?;
    fs::write(unfinished.join("etc/hostname"), "server\n")?;
    fs::rename(&unfinished, folder)?;
    fs::write(list, packages)?;
    println!("== root made: {:.0} s, kept in {}", begin.elapsed().as_secs_f64(), folder.display());
    Ok(())
}

/// This machine's: the programs are linked with its C library.
fn own_release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("/etc/os-release")?;
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    Ok(name.context("/etc/os-release names no release of Debian")?.to_owned())
}
