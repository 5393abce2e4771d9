use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::Finding;
use super::entry::Entry;

const CHECK: &str = "state-folder";
/// In bytes. A rotation appends a few hundred to the journal; below this any other program takes what is left.
const TOO_LITTLE: u64 = 1024 * 1024;
/// In bytes. Journals and logs of an account stay below this for years.
const SCARCE: u64 = 16 * 1024 * 1024;
/// In bytes: a block, which a full disk does not give.
const PROBE: [u8; 4096] = [0; 4096];

pub(super) fn look(folder: &Path) -> Finding {
    let probe = probe(folder).map_err(|error| error.kind());
    verdict(folder, Entry::of(folder), probe, free(folder))
}

/// Writes a file and takes it away again: permissions alone do not tell of a full or read-only disk.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".doctor-{}", std::process::id()));
    let written = fs::File::options().write(true).create_new(true).open(&path).and_then(|mut file| {
        let written = file.write_all(&PROBE);
        drop(file);
        written
    });
    match fs::remove_file(&path) {
        Err(error) if written.is_ok() => Err(error),
        Err(_) | Ok(()) => written,
    }
}

/// What is free for this user, in bytes.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(folder).ok()?;
    volume.f_bavail.checked_mul(volume.f_frsize)
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}

fn verdict(folder: &Path, entry: Option<Entry>, probe: Result<(), io::ErrorKind>, free: Option<u64>) -> Finding {
    let shown = folder.display();
    match probe {
        Err(io::ErrorKind::NotFound) => {
            return Finding::warn(
                CHECK,
                format!("There is no {shown} yet."),
                "Nothing: the agent makes it when it starts.",
            );
        }
        Err(kind) => {
            let what = format!("{shown} cannot be written to: {kind}. Without its journal nothing is refreshed.");
            return Finding::fail(CHECK, what, "Make it a folder that you may write to, on a disk with room in it.");
        }
        Ok(()) => {}
    }
    if entry.is_some_and(|entry| entry.is_writable_by_everybody() && !entry.is_sticky()) {
        let what = format!("Everybody may write to {shown}, and could change a journal.");
        return Finding::fail(CHECK, what, format!("Run: chmod 700 '{shown}'"));
    }
    match free {
        Some(free) if free < TOO_LITTLE => {
            let what =
                format!("The disk of {shown} has {} KiB left. Without its journal nothing is refreshed.", free / 1024);
            Finding::fail(CHECK, what, "Make room on it.")
        }
        Some(free) if free < SCARCE => {
            let what = format!("The disk of {shown} has {} MiB left.", free / 1024 / 1024);
            Finding::warn(CHECK, what, "Make room on it before it is full.")
        }
        Some(_) | None => Finding::ok(CHECK, format!("{shown} can be written to.")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::*;

    fn found(mode: u32, probe: Result<(), io::ErrorKind>, free: u64) -> Verdict {
        let entry = Some(Entry { mode, owner: 1000, is_socket: false });
        verdict(Path::new("/s"), entry, probe, Some(free)).verdict
    }

    #[test]
    fn a_disk_that_takes_no_journal_fails() {
        assert_eq!(found(0o700, Ok(()), u64::MAX), Verdict::Ok);
        assert_eq!(found(0o700, Ok(()), SCARCE - 1), Verdict::Warn);
        assert_eq!(found(0o700, Ok(()), TOO_LITTLE - 1), Verdict::Fail);
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied] {
            assert_eq!(found(0o700, Err(kind), u64::MAX), Verdict::Fail);
        }
        assert_eq!(found(0o777, Ok(()), u64::MAX), Verdict::Fail);
    }

    #[test]
    fn the_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look(folder.path()).verdict, Verdict::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(look(&folder.path().join("none")).verdict, Verdict::Warn);
    }
}
