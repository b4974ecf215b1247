//! The layers of the source tree: which room may import which, and that no two files import each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::modules;

/// The rooms (the modules of the crate), from the lowest layer to the highest.
const LAYERS: &[&[&str]] = &[
    &[
        "documentation",
        "duration",
        "field",
        "last_error",
        "managed_fields",
        "parallel",
        "text",
    ],
    &["source"],
    &["model"],
    &["verdict", "cluster"],
    &["controller", "rules", "mutations"],
    &["settings", "request"],
    &["decide"],
    &["review", "tree"],
    &["simulate"],
    &["files", "health", "metrics"],
    &["api"],
    &["lease", "live"],
    &["audit", "pki", "record"],
    &["serve", "self_test"],
    &["doctor"],
    &["cli"],
];

/// Imports between rooms of one layer: who imports whom.
const BESIDE: &[(&str, &str)] = &[];

#[test]
fn lower_layers_never_import_higher_ones() {
    let mut faults = BTreeSet::new();
    for (module, imports) in modules() {
        let Some((room, layer)) = room(&module) else {
            continue;
        };
        for import in &imports {
            let Some((imported, below)) = self::room(import) else {
                continue;
            };
            let beside = imported == room || BESIDE.contains(&(room, imported));
            if below > layer || below == layer && !beside {
                faults.insert(format!("{module} imports {import}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_two_files_import_each_other() {
    let modules = modules();
    let imports = |module: &String| {
        let paths = modules[module].iter();
        let files: BTreeSet<String> = paths.filter_map(|path| file_of(path, &modules)).collect();
        files.into_iter().filter(|file| file != module).collect()
    };
    let graph: BTreeMap<String, Vec<String>> = modules
        .keys()
        .map(|module| (module.clone(), imports(module)))
        .collect();
    let circles = circles(&graph);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_room_has_a_layer() {
    let modules = modules();
    for module in modules.keys() {
        let known = module == "crate" || room(module).is_some();
        assert!(known, "{module}: no layer");
    }
    for room in LAYERS.concat() {
        let path = format!("crate::{room}");
        assert!(modules.contains_key(&path), "{room}: no such room");
    }
}

/// The room of a path such as `crate::live::reader`, and its layer.
fn room(path: &str) -> Option<(&'static str, usize)> {
    let name = path.split("::").nth(1)?;
    let layers = LAYERS.iter().enumerate();
    let mut rooms = layers.flat_map(|(layer, rooms)| rooms.iter().map(move |room| (*room, layer)));
    rooms.find(|(room, _)| *room == name)
}

/// The module that a path leads into: the longest part of it that is a file.
fn file_of(path: &str, modules: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut path = path;
    while !modules.contains_key(path) {
        path = path.rsplit_once("::")?.0;
    }
    // An item of the crate's root is a room that is compiled for tests alone.
    (path != "crate").then(|| path.to_owned())
}

/// Modules that import each other, by way of others or not.
fn circles(graph: &BTreeMap<String, Vec<String>>) -> Vec<BTreeSet<&String>> {
    let reachable = |from| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for import in graph.get(module).into_iter().flatten() {
                if seen.insert(import) {
                    next.push(import);
                }
            }
        }
        seen
    };
    let reachable: BTreeMap<&String, BTreeSet<&String>> = graph
        .keys()
        .map(|module| (module, reachable(module)))
        .collect();
    let circle = |module: &String| -> BTreeSet<&String> {
        let there = reachable[module].iter().copied();
        there
            .filter(|other| reachable[*other].contains(module))
            .collect()
    };
    let mut circles: Vec<_> = graph.keys().map(circle).collect();
    circles.retain(|circle| !circle.is_empty());
    circles.sort();
    circles.dedup();
    circles
}
