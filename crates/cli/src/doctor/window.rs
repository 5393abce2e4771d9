use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use evertoken_client::background;

use super::{Finding, variable};

const CHECK: &str = "window";
const PROGRAM: &str = "evertoken-desktop";
const CHOSEN: &str = "EVERTOKEN_DESKTOP";

pub(super) fn look() -> Finding {
    let chosen = variable(CHOSEN).map(PathBuf::from);
    let program = chosen.clone().unwrap_or_else(|| background::program(PROGRAM));
    verdict(chosen.as_deref(), found(&program, variable("PATH").as_deref()).as_deref())
}

/// Where a program is, in the way the system looks for it.
fn found(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(path?).map(|folder| folder.join(program)).find(|program| program.is_file())
}

fn verdict(chosen: Option<&Path>, found: Option<&Path>) -> Finding {
    match (found, chosen) {
        (Some(program), _) => Finding::ok(CHECK, format!("Its program is {}.", program.display())),
        (None, Some(chosen)) => {
            let what = format!("{CHOSEN} names {}, which is not a program.", chosen.display());
            Finding::warn(CHECK, what, format!("Correct or unset {CHOSEN}."))
        }
        (None, None) => {
            let what = format!("Its program {PROGRAM} is neither beside evertoken nor on the PATH.");
            Finding::warn(CHECK, what, "Install it if you want a window; everything else works without it.")
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_the_system_does() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(PROGRAM);
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), folder.path()]).unwrap();
        assert_eq!(found(Path::new(PROGRAM), Some(&path)), Some(program.clone()));
        assert_eq!(found(&program, None), Some(program));
        assert_eq!(found(Path::new("./x"), Some(&path)), None);
    }

    #[test]
    fn a_wrong_variable_is_named_before_a_missing_program() {
        let finding = verdict(Some(Path::new("/x")), None);
        assert_eq!(finding.cure.as_deref(), Some("Correct or unset EVERTOKEN_DESKTOP."));
        assert_eq!(verdict(None, None).verdict, Verdict::Warn);
    }
}
