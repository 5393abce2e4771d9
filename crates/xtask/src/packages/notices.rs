//! THIRD-PARTY-NOTICES: each crate with its licence, and each text of a licence once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::third_party::Crate;

/// What files with a licence or its notices are called, in capitals.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];
/// How files end that only have such a name.
const SOURCES: [&str; 6] = [".RS", ".C", ".H", ".PY", ".YML", ".YAML"];
/// Folders with what is in no program: pictures of a project, and what its host is told.
const NOT_LINKED: [&str; 2] = ["assets", ".github"];

/// The whole text.
pub(super) fn text(crates: &[Crate]) -> Result<String> {
    let mut text = String::from("The programs contain these crates. The texts of their licences are below.\n\n");
    let mut licences: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in crates {
        let repository = it.repository.as_deref().unwrap_or("no repository named");
        let name = format!("{} {}", it.name, it.version);
        writeln!(text, "{name}: {} ({repository})", it.licence)?;
        for licence in texts_of(&it.source)? {
            licences.entry(licence).or_default().insert(name.clone());
        }
    }
    let mut by_first_user: Vec<_> = licences.into_iter().collect();
    by_first_user.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (licence, users) in by_first_user {
        let users = users.into_iter().collect::<Vec<_>>().join(", ");
        write!(text, "\n{}\n{users}\n\n{licence}\n", "-".repeat(80))?;
    }
    Ok(text)
}

/// Some crates have none of their own and name a licence only; others have those of a library that they bring, in its folder.
fn texts_of(source: &Path) -> Result<Vec<String>> {
    licences_in(source)?.iter().map(|file| Ok(read(file)?.replace('\r', "").trim_end().to_owned())).collect()
}

fn licences_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if entry.file_type()?.is_dir() {
            if !NOT_LINKED.iter().any(|folder| entry.file_name() == *folder) {
                found.extend(licences_in(&entry.path())?);
            }
        } else if NAMES.iter().any(|begin| name.starts_with(begin)) && !SOURCES.iter().any(|end| name.ends_with(end)) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_licence_of_many_is_told_once_with_all_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let source = folder.path().join(name);
            fs::create_dir(&source).unwrap();
            fs::write(source.join("LICENSE-MIT"), "Permission is granted\r\n").unwrap();
            let (name, version, licence) = (name.to_owned(), "1.0.0".to_owned(), "MIT".to_owned());
            Crate { name, version, licence, repository: None, source }
        };
        let crates = [named("one"), named("two")];
        for (file, text) in
            [("library/COPYING", "of the library"), ("library/copying.c", "int copy;"), ("assets/LICENSE.md", "logo")]
        {
            let file = folder.path().join("two").join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let text = text(&crates).unwrap();
        assert!(text.ends_with("\ntwo 1.0.0\n\nof the library\n"), "{text}");
        assert!(!text.contains("int copy") && !text.contains("logo"), "{text}");
        assert_eq!(text.matches("Permission is granted").count(), 1);
        assert!(text.contains("\none 1.0.0, two 1.0.0\n\nPermission is granted\n"), "{text}");
    }
}
