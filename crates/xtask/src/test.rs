//! `cargo xtask test`: everything that has to hold, step by step.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};

use crate::build::{self, PACKAGES};
use crate::command::{cargo, command, root, run};
use crate::end_to_end::{EndToEnd, Prepared};
use crate::subject::WaitsFor;
use crate::test_command::{Options, shut_off, unit_test_command};
use crate::{packages, platforms, setup, subject, systemd, windows};

/// What a step took.
type Taken = (&'static str, Duration);

/// Runs every step and stops at the first that fails.
pub(crate) fn test(options: &Options) -> Result<()> {
    match options.name.as_deref() {
        Some("systemd") => return systemd::test(),
        Some("windows") => return windows::test(options),
        Some("packages") => return packages::test(),
        Some(subject) => return subject::test(subject, options),
        None => {}
    }
    let begin = Instant::now();
    let mut taken = Vec::new();
    step("set-up", &mut taken, || setup::for_testing(!options.quick))?;
    step("format", &mut taken, || run(&mut cargo("fmt --all --check")))?;
    step("dependencies", &mut taken, packages::look_at_dependencies)?;
    if options.quick {
        step("build and lints", &mut taken, build::everything)?;
        without_a_desktop(options, &mut taken)?;
    } else {
        everything(options, &mut taken)?;
        step("Windows and macOS", &mut taken, platforms::check)?;
    }
    println!();
    for (name, duration) in taken {
        println!("{name:<28}{:>9}", seconds(duration));
    }
    println!("{:<28}{:>9}\nAll passed.", "together", seconds(begin.elapsed()));
    Ok(())
}

fn step<T>(name: &'static str, taken: &mut Vec<Taken>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n== {name}");
    let start = Instant::now();
    let done = work().with_context(|| format!("{name}: failed after {}", seconds(start.elapsed())))?;
    println!("== {name}: {}", seconds(start.elapsed()));
    taken.push((name, start.elapsed()));
    Ok(done)
}

fn without_a_desktop(options: &Options, taken: &mut Vec<Taken>) -> Result<()> {
    step("unit tests and simulation", taken, || unit_tests(options))?;
    step("the page's types", taken, page_types)
}

/// The window's crates are compiled one after the other and leave a core idle for minutes: most end-to-end tests run beside
/// them.
fn everything(options: &Options, taken: &mut Vec<Taken>) -> Result<()> {
    let program = step("programs without the window", taken, || build::end_to_end(false))?;
    let tests = EndToEnd { program, command: |program| Ok(shut_off(program)), soak: options.soak, pictures: None };
    let names = tests.names("")?;
    let those = |waiting| names.iter().filter(|name| subject::waits_for(name) == waiting).cloned().collect();
    let ready = |waiting| Prepared::Tests(those(waiting));
    let (prepared, tests_to_run) = channel();
    prepared.send(ready(WaitsFor::Nothing))?;
    let (with_window, at_rest) = (ready(WaitsFor::TheWindow), ready(WaitsFor::Cargo));
    thread::scope(|scope| {
        let beside = scope.spawn(move || {
            let mut taken = Vec::new();
            let done = step("build and lints", &mut taken, build::everything).and_then(|()| {
                prepared.send(with_window)?;
                without_a_desktop(options, &mut taken)?;
                Ok(prepared.send(at_rest)?)
            });
            if done.is_err() {
                let _ = prepared.send(Prepared::Failed);
            }
            done.map(|()| taken)
        });
        let tested = step("end to end", taken, || tests.run_as_prepared(&tests_to_run));
        taken.extend(beside.join().map_err(|_| anyhow!("a step panicked"))??);
        tested
    })
}

fn unit_tests(options: &Options) -> Result<()> {
    let mut tests = unit_test_command("test --workspace --lib --bins", options);
    for name in integration_tests(&root())? {
        tests.args(["--test", &name]);
    }
    run(&mut tests)?;
    if PACKAGES.iter().any(|(folder, _)| build::has_doc_test(&root().join(folder).join("src"))) {
        run(&mut unit_test_command("test --workspace --doc", options))?;
    }
    Ok(())
}

/// The names of the integration tests beside the end-to-end one: choosing targets by name keeps all packages, and so
/// the features, the same.
fn integration_tests(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (folder, _) in PACKAGES {
        let package = root.join(folder);
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
    use crate::build::END_TO_END;

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
        let tests = unit_test_command("test", &Options { name: None, quick: false, soak: true });
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
