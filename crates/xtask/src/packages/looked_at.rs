//! What the distributions' own tools say of the packages. Each remark that is meant is explained in `packaging/`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::files_in;
use crate::command::{cargo, command, is_on_path, root, run, shown};

/// Fails at the first tool that finds something.
pub(super) fn look_at(folder: &Path) -> Result<()> {
    let of_kind = |kind: &str| -> Result<Vec<_>> {
        let files = files_in(folder)?.into_iter().filter(|file| file.extension().is_some_and(|it| it == kind));
        Ok(files.collect())
    };
    let (debs, rpms) = (of_kind("deb")?, of_kind("rpm")?);
    ensure!(debs.len() == 3 && rpms.len() == 3, "{} debs and {} rpms", debs.len(), rpms.len());
    silent(command("lintian").args(["--allow-root", "--fail-on=error,warning"]).args(debs))?;
    let meant = root().join("packaging/rpm/rpmlint.toml");
    run(command("rpmlint").arg("--strict").arg("--config").arg(meant).args(rpms))?;
    run(command("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(folder))
}

/// Every word of such a tool is a complaint.
fn silent(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let output = command.output().with_context(|| shown(command))?;
    let words = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !words.trim().is_empty() {
        bail!("`{}` ({}):\n{words}{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The dependencies, where cargo-deny is installed: it takes minutes to compile, so nobody is made to.
pub(crate) fn look_at_dependencies() -> Result<()> {
    if !is_on_path("cargo-deny") {
        println!("Skipped: deny.toml, because cargo-deny is not installed (cargo install --locked cargo-deny).");
        return Ok(());
    }
    run(&mut cargo("deny --offline check bans licenses sources"))?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    if !home.is_some_and(|home| home.join("advisory-dbs").is_dir()) {
        println!("Skipped: advisories, because their database is not on this machine (cargo deny fetch).");
        return Ok(());
    }
    run(&mut cargo("deny --offline check advisories"))
}

/// The entries and the description as they lie in the packages.
pub(super) fn look_at_desktop(contents: &Path) -> Result<()> {
    for entry in ["usr/share/applications/evertoken.desktop", "etc/xdg/autostart/evertoken-agent.desktop"] {
        silent(command("desktop-file-validate").arg(contents.join(entry)))?;
    }
    let description = contents.join("usr/share/metainfo/org.evertoken.desktop.metainfo.xml");
    run(command("appstreamcli").args(["validate", "--no-net"]).arg(description))
}
