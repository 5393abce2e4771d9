//! The programs for Windows, and their unit tests.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::binaries::target;
use crate::command::{cargo, command, root, run, shown};
use crate::platforms::{bring_library, is_compiled};

pub(super) const TARGET: &str = "x86_64-pc-windows-gnu";
/// The window's needs the engine of Edge, which Wine does not have.
const PACKAGES: &str =
    "-p evertoken-core -p evertoken-client -p evertoken-agent -p evertoken-proxy -p evertoken-sandbox -p evertoken";

/// Where they lie.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(target_folder()?.join(TARGET).join("debug"))
}

/// Of its own, because what C is compiled with differs from a mere check.
fn target_folder() -> Result<PathBuf> {
    Ok(target()?.join("windows"))
}

/// Builds everything in one pass, so that each crate is compiled once; the unit tests' programs as they lie in Wine's
/// Debian.
pub(super) fn build() -> Result<Vec<String>> {
    let mut build = cargo_for_windows(&format!("build {PACKAGES} --bins --tests"))?;
    build.arg("--message-format=json-render-diagnostics");
    println!("$ {}", shown(&build));
    let built = build.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !built.status.success() {
        bail!("`{}` failed ({})", shown(&build), built.status);
    }
    let folder = folder()?;
    let messages = String::from_utf8_lossy(&built.stdout);
    Ok(messages.lines().filter_map(|message| in_the_debian(message, &folder)).collect())
}

/// A person's desk: what tests do there, in a program for Windows. In C, because Windows' interfaces are unsafe code.
pub(super) fn build_desk() -> Result<()> {
    let mut compiler = command("x86_64-w64-mingw32-gcc");
    compiler.args(["-Wall", "-Wextra", "-Werror", "-municode", "-o"]).arg(folder()?.join("desk.exe"));
    run(compiler.arg(root().join("tests/desktop/windows-desk.c")))
}

/// The release build with the window, in its folder. Where the standard library has to be compiled here, nothing may be
/// released, so the tests' programs do.
pub(super) fn build_for_people() -> Result<PathBuf> {
    if !is_compiled(TARGET)? {
        println!("For tests only: to release these packages, get the target first: rustup target add {TARGET}");
        build()?;
        return folder();
    }
    run(&mut cargo_for_windows(&format!("build --release --locked {PACKAGES} -p evertoken-desktop --bins"))?)?;
    Ok(target_folder()?.join(TARGET).join("release"))
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

/// Where the program that cargo's message is about lies in the Debian, if it is one of unit tests. Integration tests
/// start programs, or compute for minutes what is the same everywhere.
fn in_the_debian(message: &str, folder: &Path) -> Option<String> {
    let (_, path) = message.split_once(r#""executable":""#)?;
    let (path, _) = path.split_once('"')?;
    let below = Path::new(path).strip_prefix(folder).ok()?;
    let (target, profile) = message.split_once(r#""profile":{"#)?;
    let is_wanted = profile.contains(r#""test":true}"#) && !target.contains(r#""kind":["test"]"#);
    is_wanted.then(|| format!("/mnt/windows/{}", below.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_tests_programs_are_found_in_what_cargo_says() {
        let found = |kind: &str, is_test: bool| {
            let rest = format!(r#""profile":{{"x":0,"test":{is_test}}},"executable":"/t/debug/deps/a.exe""#);
            in_the_debian(&format!(r#"{{"target":{{"kind":["{kind}"],"test":true}},{rest}}}"#), Path::new("/t/debug"))
        };
        assert_eq!(found("bin", true).as_deref(), Some("/mnt/windows/deps/a.exe"));
        assert_eq!((found("bin", false), found("test", true)), (None, None));
    }
}
