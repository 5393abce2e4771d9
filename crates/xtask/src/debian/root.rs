//! A fresh root folder of one Debian release, with Rust and a clone of the source.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::binaries::target;
use crate::command::{command, output, root, run};
use crate::mirror::mirror;

/// What the README asks for, beside Rust. The linker comes with gcc.
const PACKAGES: &str = "ca-certificates,curl,gcc,git,libc6-dev";
/// Mounts what a root needs, and enters it.
const ENTER: &str = include_str!("enter.sh");
/// Where certificates of the network that this machine is in are kept, if it has some.
const OWN_CERTIFICATES: &str = "usr/local/share/ca-certificates";

/// The folder of a release that is new.
pub(super) struct Root {
    folder: PathBuf,
    rust: String,
}

impl Root {
    /// Makes it anew in the target folder.
    pub(super) fn make(suite: &str) -> Result<Self> {
        let folder = target()?.join("debian").join(suite);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        run(&mut debootstrap(PACKAGES, suite, &folder)?)?;
        let rust = output(command("rustc").args(["--print", "sysroot"]))?.trim().to_owned();
        let made = Self { folder, rust };
        // Debian's installer writes it, debootstrap does not.
        fs::write(made.path("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n")?;
        // A root that is thrown away need not survive a power cut: apt is several times as fast.
        fs::write(made.path("etc/dpkg/dpkg.cfg.d/throw-away"), "force-unsafe-io\n")?;
        made.bring_what_cargo_has()?;
        made.bring_certificates()?;
        run(command("git").args(["clone", "--quiet", "--no-hardlinks"]).arg(root()).arg(made.path("root/evertoken")))?;
        Ok(made)
    }

    /// A command of a person in the clone.
    pub(super) fn command(&self, line: &str) -> Command {
        let mut enter = command("unshare");
        enter.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
        enter.arg(&self.folder).args(line.split(' ')).env("EVERTOKEN_RUST", &self.rust);
        enter
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The crates that this machine has fetched, and how it reaches a registry.
    fn bring_what_cargo_has(&self) -> Result<()> {
        fs::create_dir_all(self.path("opt/rust"))?;
        let to = self.path("root/.cargo");
        fs::create_dir_all(to.join("registry"))?;
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let from = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        for name in ["registry/index", "registry/cache", "config.toml"] {
            copy(&from.join(name), &to.join(name))?;
        }
        Ok(())
    }

    fn bring_certificates(&self) -> Result<()> {
        copy(&Path::new("/").join(OWN_CERTIFICATES), &self.path(OWN_CERTIFICATES))?;
        run(command("chroot").arg(&self.folder).args(["update-ca-certificates", "--fresh"]))
    }
}

/// Copies a file or a folder, if it is there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    run(command("cp").args(["--archive", "--no-target-directory"]).arg(from).arg(to))
}

/// Makes a small Debian with these packages, from the archive that this machine's apt uses.
pub(crate) fn debootstrap(packages: &str, suite: &str, folder: &Path) -> Result<Command> {
    let mut debootstrap = command("debootstrap");
    debootstrap.args(["--variant=minbase", &format!("--include={packages}"), suite]).arg(folder).arg(mirror()?);
    Ok(debootstrap)
}
