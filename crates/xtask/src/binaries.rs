//! The built programs, and how they are built.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, run};

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build; debug builds keep a keychain service and a name of their own.
    Dev,
    /// What people install.
    Release,
}

impl Profile {
    const fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }

    /// How programs are built. A quick build has a test among its targets: only then cargo chooses the features that
    /// `cargo xtask test` has, which finds all dependencies compiled. What people install has no more than it needs.
    fn build<'a>(self, names: impl Iterator<Item = &'a str>) -> Command {
        let (arguments, each) = match self {
            Self::Dev => ("build --workspace --test agent", "--bin"),
            Self::Release => ("build --release", "--package"),
        };
        let mut command = command::cargo(arguments);
        command.args(names.flat_map(|name| [each, name]));
        command
    }
}

/// The programs of one build.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds the command, the agent, the sandbox and, where there is a screen, the window.
    pub(crate) fn build(profile: Profile, window: bool) -> Result<Self> {
        let names = ["evertoken-sandbox"].into_iter().chain(window.then_some("evertoken-desktop"));
        match profile {
            Profile::Dev => run(&mut profile.build(names.chain(["evertoken-agent", "evertoken"])))?,
            Profile::Release => {
                run(&mut profile.build(names))?;
                run(&mut build_of_the_agent(""))?;
                run(&mut build_of_the_command(""))?;
            }
        }
        Ok(Self { folder: target()?.join(profile.folder()) })
    }

    /// Where one of them is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A command that starts one of them.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        // The window looks for the agent beside itself first; a search path helps the others.
        command.current_dir(&self.folder);
        command
    }
}

/// How `evertoken` is built for people: on Linux a static program at a fixed address, which starts in half the time, because no
/// loader looks for libraries and nothing is relocated.
pub(crate) fn build_of_the_command(options: &str) -> Command {
    let linked =
        if cfg!(target_os = "linux") { "-C target-feature=+crt-static -C relocation-model=static" } else { "" };
    linked_for_people("evertoken", options, linked)
}

/// How the agent is built for people.
pub(crate) fn build_of_the_agent(options: &str) -> Command {
    linked_for_people("evertoken-agent", options, "")
}

/// With Rust's own linker, functions of the same machine code are there once: less to read into memory.
fn linked_for_people(name: &str, options: &str, linked: &str) -> Command {
    let once = if links_with_lld() { "-C link-arg=-Wl,--icf=all" } else { "" };
    command::cargo(&format!("rustc --release {options} --package {name} --bin {name} -- {linked} {once}"))
}

/// rustup's Rust does so by itself, through this program; a distribution's Rust may be without.
fn links_with_lld() -> bool {
    let lld = "lib/rustlib/x86_64-unknown-linux-gnu/bin/gcc-ld/ld.lld";
    let sysroot = command::output(command::command("rustc").args(["--print", "sysroot"]));
    sysroot.is_ok_and(|sysroot| Path::new(sysroot.trim()).join(lld).is_file())
}

/// The target folder: this program lies in one of its profile folders, wherever cargo was told to put it.
pub(crate) fn target() -> Result<PathBuf> {
    let here = env::current_exe().context("cannot find this program's own file")?;
    match here.ancestors().nth(2) {
        Some(target) => Ok(target.to_owned()),
        None => bail!("{} does not lie in a target folder", here.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{root, shown};

    #[test]
    fn a_quick_build_shares_its_dependencies_with_the_tests_and_a_release_does_not() {
        let names = ["evertoken-agent", "evertoken"];
        let line = |profile: Profile| shown(&profile.build(names.into_iter()));
        assert!(line(Profile::Release).ends_with("--release --package evertoken-agent --package evertoken"));
        assert!(line(Profile::Dev).ends_with("--workspace --test agent --bin evertoken-agent --bin evertoken"));
        assert!(root().join("crates/client/tests/agent.rs").is_file());
    }
}
