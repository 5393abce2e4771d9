//! A small file system of a desktop's own: it can fill up and become read-only, for root too.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Desktop;
use super::effort::note;

/// A tmpfs in place of a folder. Gone, with all that is on it, when this value goes.
pub(crate) struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Puts one of this many KiB over a folder of the desktop, with what is in the folder. `None`, and a word about it,
    /// where this process may not mount.
    pub(crate) fn over(desktop: &Desktop, folder: &str, size: usize) -> Option<Self> {
        let place = desktop.environment.path(folder);
        fs::create_dir_all(&place).unwrap();
        let kept: Vec<_> = files(&place).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        let options = format!("size={size}k,mode=0700");
        if !mount(&["-t", "tmpfs", "-o", &options, "evertoken-test", &place.display().to_string()]) {
            note("left out: this process may not mount a file system (run the tests as root)");
            return None;
        }
        for (file, bytes) in kept {
            fs::write(file, bytes).unwrap();
        }
        Some(Self { place })
    }

    /// Nothing can be written any more.
    pub(crate) fn make_read_only(&self) {
        self.remount("ro");
    }

    /// It can be written again.
    pub(crate) fn make_writable(&self) {
        self.remount("rw");
    }

    /// Writes until there is no space left.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.ballast()).unwrap();
        while file.write(&[b'x'; 512]).is_ok_and(|written| written > 0) {}
    }

    /// Takes what [`Disk::fill`] wrote away.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    fn remount(&self, mode: &str) {
        let (options, place) = (format!("remount,{mode}"), self.place.display().to_string());
        // Refused while a file is open for writing: the agent may be at a line of the journal.
        let is_mounted = (0..1000).any(|_| mount(&["-o", &options, &place]));
        assert!(is_mounted, "mount -o {options}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a program may still have a file open there.
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

fn mount(arguments: &[&str]) -> bool {
    let status = Command::new("mount").args(arguments).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}
