//! What a failed test leaves: the last lines of every log under its name, and whole logs and a picture of the screen.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::artefact;
use super::effort::note;
use super::environment::Environment;

/// Lines of each log, and requests of each sandbox.
const LAST: usize = 8;

/// Whether the test is failing right now, so that what goes with it should say why.
pub(super) fn is_wanted() -> bool {
    thread::panicking()
}

/// A name for a thing that this failed test leaves.
fn name(of: &str) -> String {
    let test = thread::current().name().unwrap_or("test").replace("::", "-");
    format!("failed-{test}-{of}")
}

/// The last lines of every log of this folder; the whole logs are kept.
pub(super) fn tell_logs(folder: &Path) {
    for log in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let Ok(bytes) = fs::read(&log) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if text.trim().is_empty() {
            continue;
        }
        let kept = name(&log.file_name().unwrap_or_default().to_string_lossy());
        artefact::keep(&kept, &bytes);
        note(&format!("-- the last lines of {}\n{}", artefact::place(&kept).display(), last_lines(&text)));
    }
}

/// The end of a log; what is said at the most talkative levels is only in the file.
pub(super) fn last_lines(text: &str) -> String {
    let is_telling = |line: &&str| !line.trim().is_empty() && !line.contains("TRACE") && !line.contains("DEBUG");
    let lines: Vec<&str> = text.lines().filter(is_telling).collect();
    lines[lines.len().saturating_sub(LAST)..].join("\n")
}

/// A picture of the whole screen.
pub(super) fn keep_screen(environment: &Environment) {
    let picture = artefact::place(&name("screen.png"));
    let mut import = environment.command("import");
    import.args(["-window", "root"]).arg(&picture);
    if import.status().is_ok_and(|status| status.success()) {
        note(&format!("-- the screen is in {}", picture.display()));
    }
}

/// The last requests that a sandbox saw, asked without the runtime that is about to end.
pub(super) fn tell_requests(base: &str) {
    let Some(Value::Array(requests)) = requests(base) else { return };
    note(&format!("-- the last of {} requests at {base}", requests.len()));
    for request in &requests[requests.len().saturating_sub(LAST)..] {
        let part = |name: &str| request[name].to_string().replace('"', "");
        note(&format!("{} {} {} -> {}", part("path"), part("fingerprint"), part("outcome"), part("status")));
    }
}

fn requests(base: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(base.strip_prefix("http://")?).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(b"GET /sandbox/requests HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let mut report: Value = serde_json::from_str(body).ok()?;
    Some(report["requests"].take())
}
