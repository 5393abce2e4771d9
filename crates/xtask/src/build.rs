//! How tests are built: lints, programs and test programs in one pass.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{cargo, run, shown};

/// The folders of all packages but the end-to-end tests', and their names.
pub(crate) const PACKAGES: &[(&str, &str)] = &[
    ("crates/agent", "evertoken-agent"),
    ("crates/cli", "evertoken"),
    ("crates/client", "evertoken-client"),
    ("crates/core", "evertoken-core"),
    ("crates/proxy", "evertoken-proxy"),
    ("crates/sandbox", "evertoken-sandbox"),
    ("crates/xtask", "xtask"),
    ("src-tauri", "evertoken-desktop"),
];

/// The end-to-end tests' name in the package of `tests/`.
pub(crate) const END_TO_END: &str = "end_to_end";

/// cargo with clippy in the place of the compiler, for our own packages: it compiles as well, so that lints need no
/// second pass. A warning is an error.
pub(crate) fn with_lints(arguments: &str) -> Command {
    let mut cargo = cargo(arguments);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver").env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    cargo
}

/// Everything. All packages with the features of all targets, in every step: one set of features means that each crate
/// is compiled once, whatever the step.
pub(crate) fn everything() -> Result<()> {
    let mut build = with_lints("build --workspace --all-targets");
    if cfg!(windows) {
        // A program that runs cannot be replaced there, and this one runs.
        build.args(["--exclude", "xtask"]);
    }
    run(&mut build)
}

/// The end-to-end tests' program, and the programs that they start; the window only if it is wanted.
pub(crate) fn end_to_end(window: bool) -> Result<PathBuf> {
    let mut build = with_lints("build --workspace --message-format=json-render-diagnostics");
    build.args(["--test", END_TO_END]);
    let programs = ["evertoken", "evertoken-agent", "evertoken-sandbox"];
    for name in programs.into_iter().chain(window.then_some("evertoken-desktop")) {
        build.args(["--bin", name]);
    }
    println!("$ {}", shown(&build));
    let built = build.stderr(std::process::Stdio::inherit()).output().context("cannot start cargo")?;
    if !built.status.success() {
        bail!("`{}` failed ({})", shown(&build), built.status);
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    messages.lines().find_map(test_program).context("cargo does not say where the end-to-end tests are")
}

/// The programs of a machine without a screen, with the features that the tests have.
pub(crate) fn programs() -> Result<()> {
    run(&mut with_lints("build --workspace --test agent --bin evertoken --bin evertoken-agent --bin evertoken-sandbox"))
}

/// Where cargo put the end-to-end tests, if this message of its is about them.
fn test_program(message: &str) -> Option<PathBuf> {
    let is_it = message.contains(&format!(r#""name":"{END_TO_END}""#));
    let (_, path) = message.split_once(r#""executable":""#)?;
    let (path, _) = path.split_once('"')?;
    is_it.then(|| PathBuf::from(path.replace(r"\\", r"\")))
}

/// Whether a comment of the documentation has an example that `cargo test --doc` would run.
pub(crate) fn has_doc_test(source: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(source) else { return false };
    entries.flatten().map(|entry| entry.path()).any(|path| {
        let is_example = |line: &str| ["/// ```", "//! ```"].iter().any(|begin| line.trim_start().starts_with(begin));
        match path.is_dir() {
            true => has_doc_test(&path),
            false if path.extension() == Some(OsStr::new("rs")) => {
                std::fs::read_to_string(&path).is_ok_and(|text| text.lines().any(is_example))
            }
            false => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::root;

    #[test]
    fn the_test_program_is_found_in_what_cargo_says() {
        let about = |name: &str| {
            format!(r#"{{"reason":"compiler-artifact","target":{{"name":"{name}"}},"executable":"C:\\t\\x.exe"}}"#)
        };
        assert_eq!(test_program(&about(END_TO_END)), Some(PathBuf::from(r"C:\t\x.exe")));
        assert_eq!(test_program(&about("other")), None);
        assert_eq!(test_program(r#"{"target":{"name":"end_to_end"},"executable":null}"#), None);
    }

    #[test]
    fn every_package_is_where_it_is_looked_for() {
        for (folder, name) in PACKAGES {
            let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap_or_default();
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{folder}");
        }
    }
}
