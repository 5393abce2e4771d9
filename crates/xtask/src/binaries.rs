//! The built programs, and how they are built.

use std::env;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{self, run};

/// Which build.
#[derive(Debug, Clone, Copy)]
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
}

/// The programs of one build.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds the command, the agent, the sandbox and, where there is a screen, the window.
    pub(crate) fn build(profile: Profile, window: bool) -> Result<Self> {
        let names = ["evertoken-sandbox", "evertoken-agent", "evertoken"].into_iter();
        let names = names.chain(window.then_some("evertoken-desktop"));
        match profile {
            Profile::Dev => run(&mut build_for_tests(names))?,
            Profile::Release => builds_for_people(names, "").iter_mut().try_for_each(run)?,
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

/// How programs are built quickly. A test is among the targets: only then cargo chooses the features that `cargo xtask test`
/// has, which finds all dependencies compiled.
fn build_for_tests<'a>(names: impl Iterator<Item = &'a str>) -> Command {
    let mut command = command::cargo("build --workspace --test agent");
    command.args(names.flat_map(|name| ["--bin", name]));
    command
}

/// How programs are built for people, with no more features than each needs. What is linked in its own way is built by itself.
pub(crate) fn builds_for_people<'a>(names: impl Iterator<Item = &'a str>, options: &str) -> Vec<Command> {
    let mut together = command::cargo(&format!("build --release {options}"));
    let mut apart = Vec::new();
    for name in names {
        if let Some(linked) = linked(name) {
            let build = format!("rustc --release {options} --package {name} --bin {name} -- {linked}");
            apart.push(command::cargo(&build));
        } else {
            together.args(["--package", name]);
        }
    }
    iter::once(together).chain(apart).collect()
}

/// How the linker makes a program that it makes in its own way.
fn linked(name: &str) -> Option<String> {
    // With Rust's own linker, functions of the same machine code are there once: less to read into memory.
    let once = || if links_with_lld() { "-C link-arg=-Wl,--icf=all" } else { "" };
    match name {
        // A static program at a fixed address starts in half the time: no loader looks for libraries, nothing is relocated.
        "evertoken" if cfg!(target_os = "linux") => {
            Some(format!("-C target-feature=+crt-static -C relocation-model=static {}", once()))
        }
        "evertoken" | "evertoken-agent" => Some(once().to_owned()),
        _ => None,
    }
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
    fn a_quick_build_shares_its_dependencies_with_the_tests() {
        let line = shown(&build_for_tests(["evertoken-agent", "evertoken"].into_iter()));
        assert!(line.ends_with("--workspace --test agent --bin evertoken-agent --bin evertoken"), "{line}");
        assert!(root().join("crates/client/tests/agent.rs").is_file());
    }

    #[test]
    fn for_people_the_agent_and_the_command_are_built_by_themselves() {
        let names = ["evertoken", "evertoken-agent", "evertoken-desktop", "evertoken-sandbox"].into_iter();
        let builds: Vec<_> = builds_for_people(names, "--locked").iter().map(shown).collect();
        let [alike, command, agent] = &builds[..] else { panic!("{builds:?}") };
        assert!(alike.ends_with("build --release --locked --package evertoken-desktop --package evertoken-sandbox"));
        assert!(command.contains("rustc --release --locked --package evertoken --bin evertoken --"), "{command}");
        assert!(
            agent.contains("rustc --release --locked --package evertoken-agent --bin evertoken-agent --"),
            "{agent}"
        );
    }
}
