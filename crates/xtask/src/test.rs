//! `cargo xtask test`: everything that has to hold, step by step.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::command::{cargo, command, root, run};
use crate::setup;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Options {
    /// Leave out the end-to-end tests, which need a private desktop
    #[arg(long, conflicts_with = "soak")]
    quick: bool,
    /// Repeat what depends on chance far more often (sets EVERTOKEN_SOAK=1)
    #[arg(long)]
    soak: bool,
}

/// The end-to-end tests' name in the package of `tests/`.
const END_TO_END: &str = "end_to_end";
/// These tests mostly wait for other programs, so that two cores carry four.
const AT_ONCE: usize = 4;

/// All packages with the features of all targets, in every step: one set of features means that each crate is checked
/// once and compiled once, whatever the step.
const EVERYTHING: &str = "--workspace --all-targets";

type Work = fn(Options) -> Result<()>;

const STEPS: &[(&str, Work)] = &[
    ("set-up", |options| setup::for_testing(!options.quick)),
    ("format", |_| run(&mut cargo("fmt --all --check"))),
    ("lints", |_| run(&mut cargo(&format!("clippy {EVERYTHING} -- -D warnings")))),
    ("build", |_| run(&mut cargo(&format!("build {EVERYTHING}")))),
    ("unit tests and simulation", unit_tests),
    ("the page's types", |_| page_types()),
    ("end to end", end_to_end),
];

/// Runs every step and stops at the first that fails.
pub(crate) fn test(options: Options) -> Result<()> {
    let begin = Instant::now();
    let mut taken = Vec::new();
    let steps: Vec<_> = STEPS.iter().filter(|(name, _)| !(options.quick && *name == "end to end")).collect();
    for (number, (name, work)) in steps.iter().enumerate() {
        println!("\n== {}/{} {name}", number + 1, steps.len());
        let start = Instant::now();
        work(options).with_context(|| format!("{name}: failed after {}", seconds(start.elapsed())))?;
        println!("== {name}: {}", seconds(start.elapsed()));
        taken.push((name, start.elapsed()));
    }
    println!();
    for (name, duration) in taken {
        println!("{name:<28}{:>9}", seconds(duration));
    }
    println!("{:<28}{:>9}\nAll passed.", "together", seconds(begin.elapsed()));
    Ok(())
}

fn unit_tests(options: Options) -> Result<()> {
    let mut tests = test_command("test --workspace --lib --bins", options);
    for name in integration_tests(&root())? {
        tests.args(["--test", &name]);
    }
    run(&mut tests)?;
    run(&mut test_command("test --workspace --doc", options))
}

fn end_to_end(options: Options) -> Result<()> {
    run(&mut test_command(&format!("test --workspace --test {END_TO_END} -- --test-threads={AT_ONCE}"), options))
}

/// cargo, shut off from the person's own desktop: a test that wants one makes one.
fn test_command(arguments: &str, options: Options) -> Command {
    let mut tests = cargo(arguments);
    tests.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/session-bus");
    tests.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/system-bus");
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "EVERTOKEN_SOCKET", "EVERTOKEN_KEYCHAIN_SERVICE", "EVERTOKEN_LOG"] {
        tests.env_remove(name);
    }
    if options.soak {
        tests.env("EVERTOKEN_SOAK", "1");
    }
    tests
}

/// The names of the integration tests beside the end-to-end one: choosing targets by name keeps all packages, and so
/// the features, the same.
fn integration_tests(root: &Path) -> Result<Vec<String>> {
    let mut packages = vec![root.join("src-tauri")];
    packages.extend(fs::read_dir(root.join("crates"))?.flatten().map(|entry| entry.path()));
    let mut names = Vec::new();
    for package in packages.into_iter().filter(|package| package.join("Cargo.toml").is_file()) {
        let Ok(files) = fs::read_dir(package.join("tests")) else { continue };
        let files = files.flatten().map(|entry| entry.path());
        names.extend(
            files
                .filter(|file| file.extension() == Some(OsStr::new("rs")))
                .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())),
        );
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The page is checked as TypeScript checks JavaScript with types in its comments.
fn page_types() -> Result<()> {
    let page = root().join("ui");
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if is_older(&page.join("node_modules/.package-lock.json"), &page.join("package-lock.json")) {
        run(command(npm).args(["ci", "--no-audit", "--no-fund"]).current_dir(&page))?;
    }
    let npx = if cfg!(windows) { "npx.cmd" } else { "npx" };
    run(command(npx).args(["--no-install", "tsc", "-p", "."]).current_dir(&page))
}

/// Is `made` absent, or older than what it is made from?
fn is_older(made: &Path, source: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    match (time(made), time(source)) {
        (Ok(made), Ok(source)) => made < source,
        (Err(_), _) | (_, Err(_)) => true,
    }
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(605)), "10 min 05 s");
    }

    #[test]
    fn the_end_to_end_tests_run_in_their_own_step_only() {
        let names = integration_tests(&root()).unwrap();
        assert!(!names.contains(&END_TO_END.to_owned()));
    }

    #[test]
    fn no_test_reaches_the_persons_desktop() {
        let tests = test_command("test", Options { quick: false, soak: true });
        let set: Vec<_> = tests.get_envs().collect();
        assert!(set.contains(&(OsStr::new("DISPLAY"), None)));
        assert!(set.contains(&(OsStr::new("EVERTOKEN_SOAK"), Some(OsStr::new("1")))));
        assert!(set.iter().any(|(name, value)| *name == "DBUS_SESSION_BUS_ADDRESS" && value.is_some()));
    }

    #[test]
    fn packages_of_the_page_are_fetched_only_when_the_list_changed() {
        let root = root();
        assert!(is_older(&root.join("no-such-file"), &root.join("Cargo.toml")));
        assert!(!is_older(&root.join("Cargo.toml"), &root.join("Cargo.toml")));
    }
}
