//! `cargo xtask release-notes`: what CHANGELOG.md says of this version.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::root;

/// Prints it. A version without a section of its own is what has not been released yet.
pub(crate) fn release_notes() -> Result<()> {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let version = format!("[{}]", env!("CARGO_PKG_VERSION"));
    let notes = section(&changelog, &version).or_else(|| section(&changelog, "[Unreleased]"));
    println!("{}", notes.context("CHANGELOG.md has no section for this version")?);
    Ok(())
}

/// What stands below the heading of this version.
fn section(changelog: &str, version: &str) -> Option<String> {
    let mut lines = changelog.lines().skip_while(|line| !line.starts_with(&format!("## {version}")));
    lines.next()?;
    let lines: Vec<_> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Some(lines.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_are_those_of_one_version() {
        let changelog = "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.1.0] - 2026\n\n- old\n";
        assert_eq!(section(changelog, "[Unreleased]").as_deref(), Some("- new"));
        assert_eq!(section(changelog, "[0.1.0]").as_deref(), Some("- old"));
        assert_eq!(section(changelog, "[0.2.0]"), None);
    }
}
