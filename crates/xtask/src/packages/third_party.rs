//! The crates of other people that are in the programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::edition::PROGRAMS;
use crate::command::{cargo, output, root};

/// One crate in one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) version: String,
    /// An expression of SPDX.
    pub(super) licence: String,
    pub(super) repository: Option<String>,
    /// Where its source is on this machine.
    pub(super) source: PathBuf,
}

/// All of them for a target, by name: what is linked, without what only builds.
pub(super) fn crates(target: &str) -> Result<Vec<Crate>> {
    let linked = linked(target)?;
    let mut metadata = cargo("metadata --locked --format-version 1");
    let metadata: Value = serde_json::from_str(&output(metadata.args(["--filter-platform", target]))?)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut crates: Vec<Crate> = packages.iter().filter_map(of_others).collect();
    crates.retain(|it| linked.contains(&format!("{} v{}", it.name, it.version)));
    crates.sort();
    ensure!(crates.len() > PROGRAMS.len(), "cargo tree and cargo metadata name no common crates");
    let rules = fs::read_to_string(root().join("deny.toml"))?;
    for it in &crates {
        ensure!(is_allowed(&it.licence, &rules), "deny.toml does not allow the licence of {}: {}", it.name, it.licence);
    }
    Ok(crates)
}

/// Names and versions, such as `serde v1.0.228`.
fn linked(target: &str) -> Result<BTreeSet<String>> {
    let mut tree = cargo("tree --locked --edges normal,no-proc-macro --prefix none --format {p}");
    tree.args(["--target", target]);
    tree.args(PROGRAMS.iter().flat_map(|name| ["--package", name]));
    let tree = output(&mut tree)?;
    Ok(tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

/// `None` for our own.
fn of_others(package: &Value) -> Option<Crate> {
    package["source"].as_str()?;
    let text = |field: &str| package[field].as_str().map(ToOwned::to_owned);
    Some(Crate {
        name: text("name")?,
        version: text("version")?,
        licence: spdx(&text("license").unwrap_or_default()),
        repository: text("repository"),
        source: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
    })
}

/// Old manifests have a slash for `OR`.
fn spdx(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

/// Whether the `allow` list of deny.toml has a choice for each part of the expression.
fn is_allowed(licence: &str, rules: &str) -> bool {
    let list = rules.lines().find(|line| line.starts_with("allow = ")).unwrap_or_default();
    let is_listed = |choice: &str| list.contains(&format!("\"{}\"", choice.trim_matches([' ', '(', ')'])));
    licence.split(" AND ").all(|part| part.split(" OR ").any(is_listed))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    #[test]
    fn a_licence_that_nobody_accepted_stops_a_package() {
        let rules = "[licenses]\nallow = [\"MIT\", \"Unicode-3.0\"]\n";
        for allowed in ["MIT", "GPL-3.0-only OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(is_allowed(allowed, rules), "{allowed}");
        }
        for other in ["", "GPL-3.0-only", "MIT AND Apache-2.0", "MI"] {
            assert!(!is_allowed(other, rules), "{other}");
        }
    }

    #[test]
    fn our_own_crates_are_nobody_elses() {
        let package = |source: &str| {
            let text = format!(
                r#"{{"name":"a","version":"1.0.0","license":"MIT/Apache-2.0","repository":null,"manifest_path":"/x/Cargo.toml","source":{source}}}"#
            );
            of_others(&serde_json::from_str(&text).unwrap())
        };
        let found = package("\"registry\"").unwrap();
        assert_eq!((found.licence.as_str(), found.source), ("MIT OR Apache-2.0", "/x".into()));
        assert_eq!(package("null"), None);
    }
}
