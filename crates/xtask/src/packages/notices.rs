//! THIRD-PARTY-NOTICES: each crate with its licence, and each text of a licence once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::files_in;
use super::third_party::Crate;

/// What files with a licence or its notices are called, in capitals.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// The whole text.
pub(super) fn text(crates: &[Crate]) -> Result<String> {
    let mut text = String::from("The programs contain these crates. The texts of their licences are below.\n\n");
    let mut licences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for it in crates {
        let repository = it.repository.as_deref().unwrap_or("no repository named");
        let name = format!("{} {}", it.name, it.version);
        writeln!(text, "{name}: {} ({repository})", it.licence)?;
        for licence in texts_of(&it.source)? {
            licences.entry(licence).or_default().push(name.clone());
        }
    }
    let mut by_first_user: Vec<_> = licences.into_iter().collect();
    by_first_user.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (licence, users) in by_first_user {
        write!(text, "\n{}\n{}\n\n{licence}\n", "-".repeat(80), users.join(", "))?;
    }
    Ok(text)
}

/// Some crates have none of their own and name a licence only.
fn texts_of(source: &Path) -> Result<Vec<String>> {
    let is_licence = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        NAMES.iter().any(|begin| name.starts_with(begin)) && !name.ends_with(".RS")
    };
    let files = files_in(source)?.into_iter().filter(|file| is_licence(file));
    files.map(|file| Ok(read(&file)?.replace('\r', "").trim_end().to_owned())).collect()
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
        let text = text(&[named("one"), named("two")]).unwrap();
        assert_eq!(text.matches("Permission is granted").count(), 1);
        assert!(text.contains("\none 1.0.0, two 1.0.0\n\nPermission is granted\n"), "{text}");
    }
}
