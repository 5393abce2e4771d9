use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use evertoken_core::present::clipboard_histories::history;

use super::{Finding, variable};

const CHECK: &str = "clipboard";
const CURE: &str =
    "Pause it before you copy a token and clear it afterwards, or use `evertoken exec`: docs/clipboard.md.";

pub(super) fn look() -> Finding {
    verdict(&running().unwrap_or_default(), variable("WAYLAND_DISPLAY").is_some())
}

/// The histories that this person runs; a panel's plugin may be anything.
fn running() -> io::Result<BTreeSet<&'static str>> {
    let own = fs::metadata("/proc/self")?.uid();
    let processes = fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
    let own = processes.filter(|process| fs::metadata(process).is_ok_and(|metadata| metadata.uid() == own));
    let programs = own.filter_map(|process| fs::read_link(process.join("exe")).ok());
    Ok(programs.filter(|program| !program.ends_with(Path::new("wrapper-2.0"))).filter_map(called).collect())
}

fn called(program: impl AsRef<Path>) -> Option<&'static str> {
    history(program.as_ref().to_str()?)
}

fn verdict(running: &BTreeSet<&str>, on_wayland: bool) -> Finding {
    let names = running.iter().copied().collect::<Vec<_>>().join(" and ");
    match (names.as_str(), on_wayland) {
        ("", _) => Finding::ok(CHECK, "No clipboard history runs that is known to keep passwords."),
        (names, false) => Finding::ok(CHECK, format!("{names} is running and gets no copied token on an X11 display.")),
        (names, true) => {
            Finding::warn(CHECK, format!("{names} is running and keeps what is copied: a token too."), CURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_history_that_keeps_tokens_is_named() {
        let running = BTreeSet::from(["CopyQ", "clipman"]);
        let finding = verdict(&running, true);
        assert_eq!((finding.verdict, finding.what.starts_with("CopyQ and clipman is")), (Verdict::Warn, true));
        assert_eq!(verdict(&running, false).verdict, Verdict::Ok);
        assert_eq!(verdict(&BTreeSet::new(), true).verdict, Verdict::Ok);
    }

    #[test]
    fn a_program_is_known_by_the_file_that_it_runs() {
        assert_eq!(called("/usr/bin/copyq"), Some("CopyQ"));
        assert_eq!(called("/usr/bin/evertoken"), None);
    }
}
