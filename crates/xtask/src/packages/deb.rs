//! Debian's package, with Debian's own tools.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::contents::{INSTALLED_FROM, Package, copy_program, write_file};
use super::edition::Edition;
use super::files_in;
use super::reproducible::normalise;
use crate::command::{command, output, root, run};

/// Scripts that dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Makes the package from `contents`, which lie as they will below `/`.
pub(super) fn make(package: &Package, edition: &Edition, contents: &Path, folder: &Path) -> Result<()> {
    let tree = contents.with_added_extension("deb");
    run(command("cp").args(["--archive", "--no-target-directory"]).arg(contents).arg(&tree))?;
    write_documents(package, edition, &tree)?;
    write_control(package, edition, &tree)?;
    normalise(&tree, edition.epoch)?;
    let mut build = command("dpkg-deb");
    build.args(["--build", "--root-owner-group", "-Zxz", &format!("-z{}", edition.compression)]);
    build.arg(&tree).arg(folder);
    run(build.env("SOURCE_DATE_EPOCH", edition.epoch.to_string()))
}

/// Who may copy it, what has changed, and which remarks of lintian are meant.
fn write_documents(package: &Package, edition: &Edition, tree: &Path) -> Result<()> {
    if package.name == "evertoken" {
        write_file(&tree.join(INSTALLED_FROM), b"the Debian package\n")?;
    }
    let documents = tree.join("usr/share/doc").join(package.name);
    write_file(&documents.join("copyright"), copyright()?.as_bytes())?;
    write_file(&documents.join("changelog.gz"), changelog(edition)?.as_bytes())?;
    let overrides = source(package).join("lintian-overrides");
    if overrides.exists() {
        write_file(&tree.join("usr/share/lintian/overrides").join(package.name), &fs::read(overrides)?)?;
    }
    Ok(())
}

fn copyright() -> Result<String> {
    let text = fs::read_to_string(root().join("packaging/deb/copyright"))?;
    let mit = fs::read_to_string(root().join("LICENSE-MIT"))?;
    let lines = mit.lines().map(|line| if line.is_empty() { " .".to_owned() } else { format!(" {line}") });
    Ok(text.replace("@MIT@", &lines.collect::<Vec<_>>().join("\n")))
}

fn changelog(edition: &Edition) -> Result<String> {
    let moment = output(command("date").args(["--utc", "--rfc-email", "--date", &format!("@{}", edition.epoch)]))?;
    Ok(format!(
        "evertoken ({}) stable; urgency=medium\n\n  * See the CHANGELOG.md of this version.\n\n -- Evertoken contributors <no-mail@evertoken.invalid>  {}\n",
        edition.version,
        moment.trim()
    ))
}

fn write_control(package: &Package, edition: &Edition, tree: &Path) -> Result<()> {
    let size = installed_size(tree)?;
    let sums = "find . -type f -printf '%P\\0' | LC_ALL=C sort --zero-terminated | xargs --null md5sum";
    let sums = output(command("sh").args(["-c", sums]).current_dir(tree))?;
    let control = tree.join("DEBIAN");
    let text = fs::read_to_string(source(package).join("control"))?
        .replace("@VERSION@", &edition.version)
        .replace("@ARCHITECTURE@", output(command("dpkg").arg("--print-architecture"))?.trim())
        .replace("@INSTALLED_SIZE@", &size)
        .replace("@DEPENDS@", &libraries(package, edition)?);
    write_file(&control.join("control"), text.as_bytes())?;
    write_file(&control.join("md5sums"), sums.as_bytes())?;
    let configuration = configuration_files(tree)?;
    if !configuration.is_empty() {
        write_file(&control.join("conffiles"), configuration.as_bytes())?;
    }
    for name in SCRIPTS {
        let script = source(package).join(name);
        if script.exists() {
            copy_program(&script, &control.join(name))?;
        }
    }
    Ok(())
}

/// In KiB.
fn installed_size(tree: &Path) -> Result<String> {
    let du = output(command("du").args(["--summarize", "--apparent-size", "--block-size=1024"]).arg(tree))?;
    Ok(du.split_whitespace().next().context("du says nothing")?.to_owned())
}

/// What is in `/etc` belongs to the administrator.
fn configuration_files(tree: &Path) -> Result<String> {
    let autostart = tree.join("etc/xdg/autostart");
    if !autostart.exists() {
        return Ok(String::new());
    }
    let names = files_in(&autostart)?.into_iter().filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()));
    Ok(names.map(|name| format!("/etc/xdg/autostart/{name}\n")).collect())
}

/// The packages of the libraries that the programs are linked with.
fn libraries(package: &Package, edition: &Edition) -> Result<String> {
    let folder = edition.programs.join("shlibdeps");
    fs::create_dir_all(folder.join("debian"))?;
    fs::write(folder.join("debian/control"), "Source: evertoken\n\nPackage: evertoken\nArchitecture: any\n")?;
    let mut question = command("dpkg-shlibdeps");
    question.arg("-O").current_dir(&folder);
    question.args(package.programs.iter().map(|name| edition.programs.join(name)));
    let answer = output(&mut question)?;
    let libraries = answer.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    ensure!(libraries.is_some(), "dpkg-shlibdeps finds no package for a library of {}", package.name);
    Ok(libraries.unwrap_or_default().to_owned())
}

fn source(package: &Package) -> PathBuf {
    root().join("packaging/deb").join(package.name)
}
