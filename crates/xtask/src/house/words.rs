//! The words that our sentences avoid, because a native reader stops at them (`docs/development.md`).

use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// In what people read: programs' sentences, the page, the manual pages and the documents for users.
const AVOIDED: [&str; 12] = [
    "whoever",
    "meanwhile",
    "under way",
    "it is no ",
    "and is none",
    "token is over",
    "login is over",
    "does not succeed",
    "given up",
    "gave up",
    "goes on by itself",
    "found out",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_ours = !["node_modules", "tests", "decisions"].iter().any(|name| path.ends_with(name));
        match path.extension().and_then(|extension| extension.to_str()) {
            None if path.is_dir() && is_ours => files(&path, found),
            Some("rs" | "html" | "js" | "md" | "1" | "5" | "8") if !path.ends_with("tests.rs") => found.push(path),
            _ => {}
        }
    }
}

/// The lines of a file that people read; comments and tests are not.
fn told(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let is_comment = |line: &str| ["//", "/*", "*", "<!--"].iter().any(|mark| line.trim_start().starts_with(mark));
    let is_document = path.extension().is_some_and(|extension| extension == "md");
    let lines = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    lines
        .filter(|(_, line)| is_document || !is_comment(line))
        .map(|(number, line)| (number + 1, line.to_lowercase()))
        .collect()
}

#[test]
fn no_sentence_has_a_word_that_ours_avoid() {
    let mut paths = vec![root().join("README.md")];
    for folder in ["crates/agent", "crates/cli", "crates/client", "crates/core", "crates/proxy", "src-tauri"] {
        files(&root().join(folder).join("src"), &mut paths);
    }
    ["ui", "docs", "packaging/man"].iter().for_each(|folder| files(&root().join(folder), &mut paths));
    let mut found = Vec::new();
    for path in &paths {
        for (number, line) in told(path) {
            let words = AVOIDED.iter().filter(|word| line.contains(*word));
            found.extend(words.map(|word| format!("{}:{number}: “{}”", path.display(), word.trim())));
        }
    }
    assert!(paths.len() > 100 && found.is_empty(), "{}", found.join("\n"));
}
