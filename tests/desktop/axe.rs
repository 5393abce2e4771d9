//! axe-core from npm, which looks for what keeps people out of a page.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::OnceLock;

use super::evertoken;

/// Its script; `None` where there is no npm to fetch it with.
pub(crate) fn source() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    SOURCE.get_or_init(read).as_deref()
}

fn read() -> Option<String> {
    let page = evertoken::source().join("ui");
    let script = page.join("node_modules/axe-core/axe.min.js");
    if !script.exists() {
        let mut npm = Command::new("npm");
        let Ok(output) = npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&page).output() else {
            // Past the test harness, which keeps what a test that passes says.
            let _ = writeln!(std::io::stderr(), "SKIPPED: npm is missing, so axe-core was not run");
            return None;
        };
        assert!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(fs::read_to_string(script).unwrap())
}
