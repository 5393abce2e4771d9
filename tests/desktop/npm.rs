//! Packages from npm.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::evertoken::built;

/// One test at a time fetches: they are processes of their own. Others wait here until the value goes.
pub(crate) fn lock() -> File {
    // Not beside the programs: an agent that runs from there looks when something is written in its folder.
    let place = built("evertoken").parent().unwrap().with_file_name("npm.lock");
    let file = File::create(place).unwrap();
    file.lock().unwrap();
    file
}

/// Fetches a folder's packages; `false` where there is no npm.
pub(crate) fn fetch(folder: &Path) -> bool {
    let Ok(output) = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder).output() else {
        // Past the test harness, which keeps what a test that passes says.
        let _ = writeln!(std::io::stderr(), "SKIPPED: npm is missing, so {} was not tried", folder.display());
        return false;
    };
    assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    true
}
