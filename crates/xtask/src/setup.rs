//! What this machine lacks: installed with apt where there is one, named with its command elsewhere.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Result, bail};
use clap::Args;

use crate::command::{self, is_on_path, run, succeeds};
use crate::package::{
    AGENT, BENCH, BOOT, DEMO, DESKTOPS, INSTALLER, MINGW, NODE, PACKAGING, PANEL, Package, ROOTS, Sign, TEST, WINDOW,
    missing,
};
use crate::platforms;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install nothing; say what is missing and end with 1 if anything is
    #[arg(long)]
    check: bool,
    /// Get Rust's standard library for Windows and macOS too, for `cargo xtask platforms`
    #[arg(long, conflicts_with = "check")]
    platforms: bool,
}

/// `cargo xtask setup`: everything for `run` and `test`.
pub(crate) fn setup(options: Options) -> Result<()> {
    let wanted = [AGENT, WINDOW, DEMO, TEST, PANEL].concat();
    if options.check {
        let missing = missing_here(&with_node(wanted))?;
        if !missing.is_empty() {
            bail!("missing: {}\n{}", names(&missing), advice(&missing));
        }
    } else {
        provide(with_node(wanted))?;
        rust_components()?;
    }
    if options.platforms {
        platforms::provide()?;
    }
    println!("Everything that `cargo xtask run` and `cargo xtask test` need is here.");
    Ok(())
}

/// For `run`: the window's parts only where there is a screen to show it on.
pub(crate) fn for_running(window: bool, demo: bool) -> Result<()> {
    let lists = [AGENT, if window { WINDOW } else { &[] }, if demo { DEMO } else { &[] }];
    provide(lists.concat())
}

/// For `test`; the quick one starts no desktop.
pub(crate) fn for_testing(desktop: bool) -> Result<()> {
    let lists = [
        AGENT,
        WINDOW,
        if desktop { DEMO } else { &[] },
        if desktop { TEST } else { &[] },
        if desktop { PANEL } else { &[] },
    ];
    provide(with_node(lists.concat()))?;
    rust_components()
}

/// For `desktops`; the names of the packages that cannot be had.
pub(crate) fn for_desktops() -> Result<Vec<&'static str>> {
    if let Err(error) = provide(DESKTOPS.to_vec()) {
        println!("{error:#}");
    }
    Ok(missing_here(DESKTOPS)?.iter().map(|package| package.name).collect())
}

/// For `bench`.
pub(crate) fn for_measuring() -> Result<()> {
    provide([AGENT, WINDOW, DEMO, TEST, PANEL, BENCH].concat())
}

/// For `package`.
pub(crate) fn for_packaging() -> Result<()> {
    provide([AGENT, WINDOW, PACKAGING].concat())
}

/// For `test packages`, beside those.
pub(crate) fn for_the_life_of_a_package() -> Result<()> {
    provide([AGENT, WINDOW, PACKAGING, ROOTS, BOOT].concat())
}

/// For `debian`.
pub(crate) fn for_debian_roots() -> Result<()> {
    provide(ROOTS.to_vec())
}

/// For `test systemd`.
pub(crate) fn for_a_booted_root() -> Result<()> {
    provide([AGENT, ROOTS, BOOT].concat())
}

/// For `test windows` and `package windows`.
pub(crate) fn for_windows() -> Result<()> {
    provide([TEST, ROOTS, MINGW, PANEL, INSTALLER].concat())
}

fn with_node(mut wanted: Vec<Package>) -> Vec<Package> {
    if !is_on_path("npm") {
        wanted.extend(NODE);
    }
    wanted
}

fn provide(wanted: Vec<Package>) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return check_elsewhere(&wanted);
    }
    let missing = missing_here(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing on this machine: {}", names(&missing));
    let Some(apt) = Apt::of_this_machine() else {
        bail!("{} missing, and this machine has no apt.\n{}", names(&missing), advice(&missing));
    };
    apt.install(&missing)
}

fn missing_here(wanted: &[Package]) -> Result<Vec<Package>> {
    if !cfg!(target_os = "linux") || !is_on_path("dpkg-query") {
        return Ok(wanted.iter().filter(|package| !shows(package.sign)).copied().collect());
    }
    let mut query = command::command("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status} ${Package}\\n"]).args(wanted.iter().map(|package| package.name));
    Ok(missing(wanted, &command::output(&mut query)?))
}

fn shows(sign: Sign) -> bool {
    match sign {
        Sign::Program(name) => is_on_path(name),
        Sign::File(path) => Path::new(path).exists(),
        Sign::Library(name) => succeeds(command::command("pkg-config").args(["--exists", name])),
    }
}

/// macOS and Windows: the window's engine is part of the system, so a compiler and npm are all there is to check.
fn check_elsewhere(wanted: &[Package]) -> Result<()> {
    if cfg!(target_os = "macos") && !succeeds(command::command("xcode-select").arg("-p")) {
        bail!("the Xcode command line tools are missing; install them with: xcode-select --install");
    }
    if wanted.iter().any(|package| package.name == "npm") {
        let install = if cfg!(windows) { "winget install OpenJS.NodeJS.LTS" } else { "brew install node" };
        bail!("npm is missing, and the page's types are checked with it; install it with: {install}");
    }
    Ok(())
}

/// apt, with what it takes to be allowed to use it.
struct Apt {
    is_root: bool,
    may_ask: bool,
}

impl Apt {
    fn of_this_machine() -> Option<Self> {
        let may_ask = env::var_os("CI").is_none() && io::stdin().is_terminal() && io::stdout().is_terminal();
        is_on_path("apt-get").then(|| Self { is_root: is_root(), may_ask })
    }

    fn install(&self, packages: &[Package]) -> Result<()> {
        if !self.is_root && !is_on_path("sudo") {
            bail!("{} missing, and there is no sudo.\n{}", names(packages), advice(packages));
        }
        if self.may_ask && !agreed()? {
            bail!("not installed.\n{}", advice(packages));
        }
        if lists_are_empty() {
            self.update()?;
        }
        let install = || {
            let mut command = self.apt_get("install --yes --no-install-recommends");
            command.args(packages.iter().map(|package| package.name));
            run(&mut command)
        };
        // Lists that are older than the archive name packages that are gone.
        let installed = install().or_else(|_| self.update().and_then(|()| install()));
        installed.or_else(|error| bail!("{error:#}\n{}", advice(packages)))
    }

    fn update(&self) -> Result<()> {
        run(&mut self.apt_get("update"))
    }

    fn apt_get(&self, arguments: &str) -> Command {
        let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        if !self.is_root {
            // Without a person at the terminal, a password prompt would wait for ever.
            words.splice(0..0, if self.may_ask { vec!["sudo"] } else { vec!["sudo", "--non-interactive"] });
        }
        let mut command = command::command(words[0]);
        command.args(&words[1..]).args(arguments.split_whitespace());
        command
    }
}

fn agreed() -> Result<bool> {
    print!("Install with apt? [Y/n] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    // No line at all is the end of input, not agreement.
    answer.ends_with('\n') && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
pub(crate) fn is_root() -> bool {
    false
}

/// A container image usually comes without the archive's lists.
fn lists_are_empty() -> bool {
    let Ok(entries) = fs::read_dir(Path::new("/var/lib/apt/lists")) else { return true };
    !entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
}

/// rustfmt and clippy.
pub(crate) fn rust_components() -> Result<()> {
    for (component, question) in [("rustfmt", "fmt --version"), ("clippy", "clippy --version")] {
        if succeeds(&mut command::cargo(question)) {
            continue;
        }
        if !is_on_path("rustup") {
            bail!("{component} is missing; install it with: rustup component add {component}");
        }
        run(command::command("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}

fn names(packages: &[Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

fn advice(packages: &[Package]) -> String {
    let names = names(packages);
    if is_on_path("apt-get") || is_on_path("dpkg-query") {
        return format!("Install with: sudo apt-get install --no-install-recommends {names}");
    }
    format!(
        "Install with your package manager what Debian calls: {names}\n(on Debian and Ubuntu: sudo apt-get install --no-install-recommends {names})"
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn only_a_person_agrees() {
        for yes in ["\n", "y\n", "YES\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "n\n", "what\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_command() {
        let advice = advice(&BENCH[..1]);
        assert!(advice.contains("apt-get install --no-install-recommends hyperfine"), "{advice}");
    }

    #[test]
    fn apt_never_waits_for_an_answer_nobody_gives() {
        let apt = Apt { is_root: false, may_ask: false };
        let line = command::shown(&apt.apt_get("update"));
        assert_eq!(line, "sudo --non-interactive env DEBIAN_FRONTEND=noninteractive apt-get update");
        let apt = Apt { is_root: true, may_ask: true };
        assert_eq!(command::shown(&apt.apt_get("update")), "env DEBIAN_FRONTEND=noninteractive apt-get update");
    }

    #[test]
    fn a_program_shows_itself_on_the_path() {
        assert!(shows(Sign::Program("cargo")));
        assert!(!shows(Sign::Program("no-such-program")));
        assert_eq!(names(BENCH), "hyperfine libglib2.0-bin wrk");
    }

    #[test]
    fn npm_is_wanted_only_where_there_is_none() {
        let extra = with_node(Vec::new());
        assert_eq!(extra.is_empty(), is_on_path("npm"));
    }

    #[test]
    fn root_is_told_apart() {
        let id = command::output(command::command("id").arg("-u")).unwrap();
        assert_eq!(is_root(), id.trim() == "0");
    }
}
