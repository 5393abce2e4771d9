//! `cargo xtask debian`: the README's two commands in fresh Debian roots, with nothing but Rust, gcc, git and curl.

mod root;

use std::io::{BufRead as _, BufReader};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::{procfs, setup};
use root::Root;
pub(crate) use root::debootstrap;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The releases of Debian, one after the other
    #[arg(default_values = ["bookworm", "trixie"])]
    suites: Vec<String>,
}

/// The README's two commands.
const DEMO: &str = "cargo xtask run --demo";
const TEST: &str = "cargo xtask test";
/// The demo has shown itself when this many changes were told: logged in, and refreshed at least once.
const CHANGES_OF_THE_DEMO: usize = 4;

/// Makes a root for each release and runs both commands there, from a clone of what is committed.
pub(crate) fn debian(options: &Options) -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "Debian roots can be made on Linux only");
    ensure!(setup::is_root(), "mounting takes root: run this as root");
    setup::for_debian_roots()?;
    let mut failed = Vec::new();
    for suite in &options.suites {
        println!("\n== {suite}");
        let begin = Instant::now();
        let outcome = both_commands(suite);
        println!("== {suite}: {} after {:.0} min", word(&outcome), begin.elapsed().as_secs_f64() / 60.0);
        if let Err(error) = outcome {
            failed.push(format!("{suite}: {error:#}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    println!("The README's two commands pass in {}.", options.suites.join(" and "));
    Ok(())
}

fn word(outcome: &Result<()>) -> &'static str {
    if outcome.is_ok() { "both commands pass" } else { "FAILED" }
}

fn both_commands(suite: &str) -> Result<()> {
    let root = Root::make(suite)?;
    println!("\n{suite} $ {DEMO}");
    demo(root.command(DEMO))?;
    let mut test = root.command(TEST);
    println!("\n{suite} $ {TEST}");
    let status = test.status().context("cannot enter the root")?;
    ensure!(status.success(), "`cargo xtask test` failed ({status})");
    Ok(())
}

/// Runs the demo until it has told enough, and presses Ctrl-C.
fn demo(mut command: Command) -> Result<()> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot enter the root")?;
    let lines = child.stdout.take().context("the demo has no output")?;
    let changes = tell(lines, || procfs::interrupt_group(child.id()))?;
    let status = child.wait()?;
    ensure!(changes >= CHANGES_OF_THE_DEMO, "the demo ended too early ({status})");
    ensure!(status.success(), "the demo did not end well after Ctrl-C ({status})");
    Ok(())
}

/// Prints what the demo says to its end, and presses Ctrl-C when it has told of enough changes; of how many it told.
fn tell(output: ChildStdout, press_ctrl_c: impl Fn()) -> Result<usize> {
    let mut changes = 0;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if is_change(&line) {
            changes += 1;
            if changes == CHANGES_OF_THE_DEMO {
                press_ctrl_c();
            }
        }
    }
    Ok(changes)
}

/// A line of `evertoken status --watch`.
fn is_change(line: &str) -> bool {
    ["  demo  valid ", "  demo  refreshing "].iter().any(|state| line.contains(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_from_what_the_demo_explains() {
        assert!(is_change("15:03:33  demo  refreshing until 15:03:38"));
        assert!(is_change("15:03:18  demo  valid until 15:03:38"));
        assert!(!is_change("  account    demo"));
        assert!(!is_change("  15 s       the access token is refreshed by itself, and again every 15 s"));
    }
}
