//! Which process holds a file's lock, where the system tells: `/proc/locks` (proc(5)).

use std::fmt;
use std::path::Path;

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// The program's name as the kernel keeps it; empty when it has gone.
    pub(crate) program: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.program.as_str() {
            "" => write!(f, "process {}", self.pid),
            program => write!(f, "{program} (process {})", self.pid),
        }
    }
}

/// `None`: nobody, or the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn holder(path: &Path) -> Option<Holder> {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    let inode = fs::symlink_metadata(path).ok()?.ino();
    let pid = in_table(&fs::read_to_string("/proc/locks").ok()?, inode)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(Holder { pid, program: name.trim().chars().filter(|c| !c.is_control()).collect() })
}

#[cfg(not(target_os = "linux"))]
pub(crate) const fn holder(_path: &Path) -> Option<Holder> {
    None
}

/// The holder of the `flock` on this inode. Its device is not compared: some file systems show another one here.
#[cfg(target_os = "linux")]
fn in_table(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        // A line with an arrow is of somebody who waits.
        let (kind, pid) = (fields.next()?, fields.nth(2)?);
        let place = fields.next()?;
        let is_it = kind == "FLOCK" && place.rsplit(':').next()?.parse() == Ok(inode);
        // 0 and -1: a process outside this container.
        is_it.then(|| pid.parse().ok().filter(|&pid| pid > 0)).flatten()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 11 fe:00:70 0 EOF
2: FLOCK  ADVISORY  WRITE 12 fe:00:7 0 EOF
2: -> FLOCK  ADVISORY  WRITE 13 fe:00:7 0 EOF
3: FLOCK  ADVISORY  WRITE 0 fe:00:8 0 EOF
";

    #[test]
    fn the_holder_and_not_who_waits_is_found() {
        assert_eq!(in_table(LOCKS, 7), Some(12));
        assert_eq!(in_table(LOCKS, 70), None);
        assert_eq!(in_table(LOCKS, 8), None);
        let holder = Holder { pid: 12, program: "flock".to_owned() };
        assert_eq!(holder.to_string(), "flock (process 12)");
    }
}
