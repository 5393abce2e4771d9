//! `cargo xtask test NAME`: the tests of one subject, and a build of what they need.

use std::path::Path;
use std::{fs, io};

use anyhow::{Result, bail};

use crate::build::{self, PACKAGES};
use crate::command::{root, run};
use crate::end_to_end::EndToEnd;
use crate::setup;
use crate::test_command::{Options, shut_off, unit_test_command};

/// Runs a package's own tests, if it is called so, and the end-to-end tests that are about it.
pub(crate) fn test(subject: &str, options: &Options) -> Result<()> {
    let package = package(subject);
    if let Some(name) = package {
        if name == "evertoken-desktop" {
            setup::for_testing(false)?
        } else {
            setup::rust_components()?
        }
        let mut tests = unit_test_command(&format!("test --all-targets --package {name}"), options);
        run(&mut tests)?;
    }
    let tests = end_to_end(subject, options)?;
    if tests == 0 && package.is_none() {
        bail!("no end-to-end test and no package has {subject} in its name");
    }
    Ok(())
}

/// The package in the folder of this name.
fn package(subject: &str) -> Option<&'static str> {
    let is_it = |folder: &str| Path::new(folder).file_name().is_some_and(|name| name == subject);
    PACKAGES.iter().find(|(folder, name)| is_it(folder) || *name == subject).map(|(_, name)| *name)
}

/// How many end-to-end tests there are of this subject.
fn end_to_end(subject: &str, options: &Options) -> Result<usize> {
    let mut modules = modules_about(&root().join("tests"), subject)?;
    if package(subject).is_some() {
        // `core` is not about every test with such a word in its name.
        modules.retain(|module| module.starts_with(subject));
    }
    if modules.is_empty() {
        return Ok(0);
    }
    setup::for_testing(true)?;
    let window = modules.iter().any(|module| has_screen(&root().join("tests"), module));
    let tests = EndToEnd {
        program: build::end_to_end(window)?,
        command: |program| Ok(shut_off(program)),
        soak: options.soak,
        pictures: None,
    };
    let mut names = tests.names(subject)?;
    names.retain(|name| modules.iter().any(|module| name.split("::").next() == Some(module)));
    let count = names.len();
    tests.run(names)?;
    Ok(count)
}

/// The modules of the end-to-end tests that have the subject in their name or in the name of a function.
fn modules_about(tests: &Path, subject: &str) -> io::Result<Vec<String>> {
    let is_about = |module: &str| match subject.split_once("::") {
        Some((end, _)) => module.ends_with(end),
        None => module.contains(subject) || has_function(&source(tests, module), subject),
    };
    let mut modules = Vec::new();
    for entry in fs::read_dir(tests)?.flatten() {
        let path = entry.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_some_and(|extension| extension == "rs") && name != "main" && is_about(name) {
            modules.push(name.to_owned());
        }
    }
    modules.sort();
    Ok(modules)
}

fn has_function(source: &str, part_of_name: &str) -> bool {
    let names = source.lines().filter_map(|line| line.trim_start().trim_start_matches("async ").strip_prefix("fn "));
    names.filter_map(|rest| rest.split('(').next()).any(|name| name.contains(part_of_name))
}

/// What a test that runs in the whole suite has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitsFor {
    /// The programs without the window.
    Nothing,
    /// It may open the window.
    TheWindow,
    /// It counts how often an agent wakes up, which an agent does when the folder of its program changes: cargo has to rest.
    Cargo,
}

/// What this end-to-end test has to wait for.
pub(crate) fn waits_for(name: &str) -> WaitsFor {
    let (tests, module) = (root().join("tests"), name.split("::").next().unwrap_or(name));
    match has_screen(&tests, module) {
        _ if source(&tests, module).contains("context_switches(") => WaitsFor::Cargo,
        true => WaitsFor::TheWindow,
        false => WaitsFor::Nothing,
    }
}

/// Whether a test of this module has a screen: without one, no window can open.
fn has_screen(tests: &Path, module: &str) -> bool {
    let source = source(tests, module);
    ["with_screen()", "with_promised_screen()"].iter().any(|words| source.contains(words))
}

/// A module's text with its own modules.
fn source(tests: &Path, module: &str) -> String {
    let folder = fs::read_dir(tests.join(module)).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = std::iter::once(tests.join(format!("{module}.rs"))).chain(folder);
    files.map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_subject_is_a_package_or_a_part_of_a_name() {
        assert_eq!(package("core"), Some("evertoken-core"));
        assert_eq!(package("src-tauri"), Some("evertoken-desktop"));
        assert_eq!(package("p2_races"), None);
        let tests = root().join("tests");
        assert_eq!(modules_about(&tests, "p2_races").unwrap(), ["p2_races"]);
        assert_eq!(modules_about(&tests, "sign_in::browser").unwrap(), ["sign_in", "window_sign_in"]);
        assert_eq!(modules_about(&tests, "keychain_that_was_emptied").unwrap(), ["p1_keychain"]);
    }

    #[test]
    fn the_window_is_built_for_those_who_may_open_it() {
        let tests = root().join("tests");
        assert!(has_screen(&tests, "window") && has_screen(&tests, "pictures"));
        assert!(!has_screen(&tests, "p2_races"));
        assert_eq!(waits_for("p2_races::x"), WaitsFor::Nothing);
        assert_eq!(waits_for("window::x"), WaitsFor::TheWindow);
        assert_eq!(waits_for("p7_quiet::x"), WaitsFor::Cargo);
    }
}
