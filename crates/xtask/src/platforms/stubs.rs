//! In the place of foreign compilers for C and resources: a check links nothing, so nobody reads what they make.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

const COMPILES_NOTHING: &str = include_str!("compiles-nothing.sh");
/// What build scripts and the Rust compiler call for a target by name; the first is what they can be told to use.
const NAMES: [&str; 3] = ["compiles-nothing", "x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-dlltool"];

/// Gives cargo tools that make empty files, before all others on its search path.
pub(super) fn stand_in(cargo: &mut Command, target: &str, folder: &Path) -> Result<()> {
    let (tools, sdk) = (folder.join("tools"), folder.join("no-sdk"));
    fs::create_dir_all(&tools)?;
    fs::create_dir_all(&sdk)?;
    for name in NAMES {
        write_program(&tools.join(name))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools.clone()).chain(std::env::split_paths(&path));
    cargo.env("PATH", std::env::join_paths(path)?).env("SDKROOT", sdk);
    let target = target.replace('-', "_");
    for tool in ["CC", "CXX", "AR"] {
        cargo.env(format!("{tool}_{target}"), tools.join(NAMES[0]));
    }
    Ok(())
}

/// Not written again, or what cargo has made with it would count as old.
fn write_program(path: &Path) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|text| text == COMPILES_NOTHING) {
        return Ok(());
    }
    fs::write(path, COMPILES_NOTHING)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(())
}
