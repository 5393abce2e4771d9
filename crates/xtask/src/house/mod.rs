//! The house: which file of a crate uses which, as their `use` lines say. No circle of files, and no folder that uses one
//! that stands above it.

mod graph;
mod uses;
#[cfg(test)]
mod words;

use std::path::{Path, PathBuf};

use self::graph::{Graph, circles};
use self::uses::Crate;

/// Folders from the ground up. A folder uses those of its own floor and below.
const FLOORS: [(&str, &[&[&str]]); 2] = [
    ("crates/core", &[&["oauth"], &["account"], &["config", "api"], &["login"], &["present"]]),
    (
        "crates/agent",
        &[&["system"], &["store", "http", "desktop"], &["rotation"], &["login"], &["owner"], &["local_api"], &["run"]],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn crates() -> Vec<PathBuf> {
    let members = std::fs::read_dir(root().join("crates")).into_iter().flatten().flatten().map(|entry| entry.path());
    members.chain([root().join("src-tauri")]).filter(|folder| folder.join("src").is_dir()).collect()
}

fn graph_of(folder: &Path) -> Graph {
    Crate::read(&folder.join("src")).graph()
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let found: Vec<_> = crates().iter().flat_map(|folder| circles(&graph_of(folder))).collect();
    assert!(found.is_empty(), "circles of files:\n{}", found.join("\n"));
}

#[test]
fn no_folder_uses_one_that_stands_above_it() {
    let mut upwards = Vec::new();
    for (folder, floors) in FLOORS {
        let floor = |path: &str| {
            let top = path.split(['/', '.']).next().unwrap_or(path);
            floors.iter().position(|rooms| rooms.contains(&top))
        };
        for ((from, to), name) in graph_of(&root().join(folder)) {
            if let (Some(below), Some(above)) = (floor(&from), floor(&to))
                && below < above
            {
                upwards.push(format!("{folder}: {from} uses {name} of {to}"));
            }
        }
    }
    assert!(upwards.is_empty(), "against the direction:\n{}", upwards.join("\n"));
}

#[test]
fn a_circle_is_found_through_a_re_export_and_through_a_glob() {
    let sources = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::Thing; pub struct Other;"),
        ("b/mod.rs", "mod inner; pub use self::inner::Thing;"),
        ("b/inner.rs", "use crate::a::{self as first, Other}; pub struct Thing;"),
        ("c.rs", "use std::fmt; use super::a::*;"),
    ];
    let graph = Crate::of(sources.map(|(path, text)| (path.to_owned(), text.to_owned()))).graph();
    assert_eq!(circles(&graph), ["a.rs -> b/inner.rs (Thing), b/inner.rs -> a.rs (Other, a)"]);
    assert!(graph.contains_key(&("c.rs".to_owned(), "a.rs".to_owned())));
}
