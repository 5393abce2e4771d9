//! The `use` lines of a crate's files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

use super::graph::Graph;

type ModulePath = Vec<String>;

/// A crate's modules: where each lies, and what it takes from others.
pub(super) struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    file: String,
    uses: Vec<Use>,
}

struct Use {
    /// From the crate's root, without `crate`.
    path: ModulePath,
    /// What it is called here.
    name: String,
    is_re_export: bool,
}

impl Crate {
    pub(super) fn read(src: &Path) -> Self {
        let mut files = Vec::new();
        collect(src, src, &mut files);
        Self::of(files)
    }

    pub(super) fn of(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: Vec<_> = files.into_iter().collect();
        // A program with a library of its own name uses it as another crate would.
        let has_library = files.iter().any(|(file, _)| file == "lib.rs");
        let is_read = |file: &str| !is_test(file) && !(has_library && file == "main.rs");
        let modules = files.into_iter().filter(|(file, _)| is_read(file)).map(|(file, text)| {
            let path = module_path(&file);
            let items = syn::parse_file(&text).map(|file| file.items).unwrap_or_default();
            let uses = items.iter().filter_map(used).flat_map(|item| uses_of(&path, item)).collect();
            (path, Module { file, uses })
        });
        Self { modules: modules.collect() }
    }

    pub(super) fn graph(&self) -> Graph {
        let mut graph: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
        for module in self.modules.values() {
            for taken in module.uses.iter().filter(|taken| !taken.is_re_export) {
                if let Some(to) = self.file_of(&taken.path, 0).filter(|to| *to != module.file) {
                    graph.entry((module.file.clone(), to.to_owned())).or_default().insert(&taken.name);
                }
            }
        }
        graph.into_iter().map(|(arrow, names)| (arrow, names.into_iter().collect::<Vec<_>>().join(", "))).collect()
    }

    /// The file that defines what the path names, through re-exports.
    fn file_of(&self, path: &[String], depth: usize) -> Option<&str> {
        let (module_path, module) =
            (0..=path.len()).rev().find_map(|length| self.modules.get_key_value(&path[..length]))?;
        let Some(name) = path.get(module_path.len()) else { return Some(&module.file) };
        let exported = module.uses.iter().find(|taken| taken.is_re_export && taken.name == *name);
        match exported {
            Some(exported) if depth < 8 => self.file_of(&exported.path, depth + 1),
            Some(_) | None => Some(&module.file),
        }
    }
}

fn collect(src: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(src, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && let (Ok(text), Ok(name)) = (std::fs::read_to_string(&path), path.strip_prefix(src))
        {
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
}

fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn module_path(file: &str) -> ModulePath {
    let mut path: ModulePath = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        path.pop();
    }
    path
}

/// A test's imports are not the house's.
fn used(item: &Item) -> Option<&ItemUse> {
    match item {
        Item::Use(item) if !item.attrs.iter().any(is_for_tests) => Some(item),
        _ => None,
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let list = attribute.meta.require_list();
    list.is_ok_and(|list| list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

fn uses_of(module: &[String], item: &ItemUse) -> Vec<Use> {
    let is_re_export = !matches!(item.vis, Visibility::Inherited);
    let mut uses = Vec::new();
    follow(&item.tree, Vec::new(), &mut |path, name| {
        if let Some(path) = from_root(module, path) {
            uses.push(Use { path, name, is_re_export });
        }
    });
    uses
}

fn follow(tree: &UseTree, mut path: ModulePath, found: &mut impl FnMut(ModulePath, String)) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            follow(&step.tree, path, found);
        }
        UseTree::Name(name) if name.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            found(path, name);
        }
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            found(path, name.ident.to_string());
        }
        UseTree::Rename(rename) => {
            let name = if rename.ident == "self" { path.last().cloned() } else { None };
            if name.is_none() {
                path.push(rename.ident.to_string());
            }
            found(path, name.unwrap_or_else(|| rename.rename.to_string()));
        }
        UseTree::Glob(_) => found(path, "*".to_owned()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| follow(tree, path.clone(), found)),
    }
}

/// `None` for what another crate defines.
fn from_root(module: &[String], path: ModulePath) -> Option<ModulePath> {
    let mut steps = path.into_iter().peekable();
    let mut from = match steps.peek()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.to_vec(),
        _ => return None,
    };
    while let Some(step) = steps.next_if(|step| ["crate", "self", "super"].contains(&step.as_str())) {
        if step == "super" {
            from.pop();
        }
    }
    from.extend(steps);
    Some(from)
}
