//! The same input gives the same bytes: no names, moments or orders of this machine.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::command::{command, run, shown};

/// Without the name and the moment that gzip would write into it.
pub(super) fn gzipped(content: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = command("gzip");
    gzip.args(["--best", "--no-name"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = gzip.spawn().context("gzip")?;
    let mut input = child.stdin.take().context("gzip has no input")?;
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(content));
        child.wait_with_output()
    })?;
    ensure!(output.status.success(), "gzip failed ({})", output.status);
    Ok(output.stdout)
}

/// Every file and folder can be read by everybody, and has the release's moment.
pub(super) fn normalise(folder: &Path, epoch: u64) -> Result<()> {
    run_silently(command("chmod").args(["--recursive", "u=rwX,go=rX"]).arg(folder))?;
    let touch = ["-exec", "touch", "--no-dereference", "--date", &format!("@{epoch}"), "{}", "+"];
    run_silently(command("find").arg(folder).args(touch))
}

/// A tar.gz of a folder that lies in `parent`.
pub(super) fn tar_gz(parent: &Path, name: &str, epoch: u64, to: &Path) -> Result<()> {
    let mut tar = command("tar");
    tar.args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    tar.arg(format!("--mtime=@{epoch}")).arg("--use-compress-program=gzip --best --no-name");
    run(tar.arg("--file").arg(to).arg("--directory").arg(parent).arg(name))
}

fn run_silently(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| shown(command))?;
    ensure!(status.success(), "`{}` failed ({status})", shown(command));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_packed_twice_is_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let pack = |name: &str| {
            let inner = folder.path().join("inner");
            fs::create_dir_all(&inner).unwrap();
            fs::write(inner.join(name), "x").unwrap();
            fs::remove_file(inner.join(name)).unwrap();
            fs::write(inner.join("file"), "content").unwrap();
            let to = folder.path().join(name);
            tar_gz(folder.path(), "inner", 86400, &to).unwrap();
            fs::read(to).unwrap()
        };
        assert_eq!(pack("first"), pack("second"));
        assert_eq!(gzipped(b"text").unwrap(), gzipped(b"text").unwrap());
    }
}
