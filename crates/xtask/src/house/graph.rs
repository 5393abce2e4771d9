//! Files, and which uses which.

use std::collections::{BTreeMap, BTreeSet};

/// Which file uses which, and what it takes from there.
pub(super) type Graph = BTreeMap<(String, String), String>;

/// The circles: files that reach each other, each as the arrows among them.
pub(super) fn circles(graph: &Graph) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (from, _) in graph.keys() {
        let together: BTreeSet<&String> =
            reached(graph, from).into_iter().filter(|to| reached(graph, to).contains(from)).collect();
        if together.len() > 1 && seen.is_disjoint(&together) {
            let inside = graph.iter().filter(|((from, to), _)| together.contains(from) && together.contains(to));
            let arrows: Vec<_> = inside.map(|((from, to), names)| format!("{from} -> {to} ({names})")).collect();
            found.push(arrows.join(", "));
            seen.extend(together);
        }
    }
    found
}

fn reached<'a>(graph: &'a Graph, from: &'a String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(file) = next.pop() {
        let uses = graph.keys().filter(|(user, _)| user == file).map(|(_, used)| used);
        next.extend(uses.filter(|used| reached.insert(*used)).collect::<Vec<_>>());
    }
    reached
}
