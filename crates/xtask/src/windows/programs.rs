//! The programs for Windows, and their unit tests.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::binaries::target;
use crate::command::{cargo, run, shown};
use crate::platforms::bring_library;

const TARGET: &str = "x86_64-pc-windows-gnu";
/// The window's needs the engine of Edge, which Wine does not have.
const PACKAGES: &str =
    "-p evertoken-core -p evertoken-client -p evertoken-agent -p evertoken-proxy -p evertoken-sandbox -p evertoken";
const PROGRAMS: &str = "--bin evertoken --bin evertoken-agent --bin evertoken-sandbox";

/// Where they lie.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(target_folder()?.join(TARGET).join("debug"))
}

/// Of its own, because what C is compiled with differs from a mere check.
fn target_folder() -> Result<PathBuf> {
    Ok(target()?.join("windows"))
}

/// Builds everything; the unit tests' programs as they lie in Wine's Debian.
pub(super) fn build() -> Result<Vec<String>> {
    run(&mut cargo_for_windows(&format!("build {PACKAGES} {PROGRAMS}"))?)?;
    let tests = format!(
        "test --no-run {PACKAGES} --lib --bins --test simulation --test wire --message-format=json-render-diagnostics"
    );
    let mut tests = cargo_for_windows(&tests)?;
    println!("$ {}", shown(&tests));
    let built = tests.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !built.status.success() {
        bail!("`{}` failed ({})", shown(&tests), built.status);
    }
    let folder = folder()?;
    let messages = String::from_utf8_lossy(&built.stdout);
    Ok(messages.lines().filter_map(|message| in_the_debian(message, &folder)).collect())
}

fn cargo_for_windows(arguments: &str) -> Result<std::process::Command> {
    let mut cargo = cargo(arguments);
    cargo.args(["--target", TARGET]).arg("--target-dir").arg(target_folder()?);
    cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", "x86_64-w64-mingw32-gcc");
    match bring_library(&mut cargo, TARGET)? {
        None => Ok(cargo),
        Some(why) => bail!("programs for Windows cannot be built: {why}"),
    }
}

/// Where the program that cargo's message is about lies in the Debian, if it is one of unit tests.
fn in_the_debian(message: &str, folder: &Path) -> Option<String> {
    let (_, path) = message.split_once(r#""executable":""#)?;
    let (path, _) = path.split_once('"')?;
    let below = Path::new(path).strip_prefix(folder).ok()?;
    message.contains(r#""test":true},"#).then(|| format!("/mnt/windows/{}", below.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_tests_programs_are_found_in_what_cargo_says() {
        let message =
            |is_test: bool| format!(r#"{{"profile":{{"x":0,"test":{is_test}}},"executable":"/t/debug/deps/a.exe"}}"#);
        let found = |is_test| in_the_debian(&message(is_test), Path::new("/t/debug"));
        assert_eq!((found(true).as_deref(), found(false)), (Some("/mnt/windows/deps/a.exe"), None));
    }
}
