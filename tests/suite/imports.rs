//! What each source file imports, from its syntax tree: `use crate::{…}`, `super::…` and an inline `crate::x::y`
//! alike.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

use crate::tidy::{root, sources};

/// Every module that has a file and is not compiled for tests alone, with the paths in it, from the crate's root.
pub fn modules() -> BTreeMap<String, BTreeSet<String>> {
    let (mut modules, mut for_tests) = (BTreeMap::new(), BTreeSet::new());
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let module = module_of(path.strip_prefix(root().join("src")).unwrap());
        let items = syn::parse_file(&text).unwrap().items;
        for item in items {
            if let Item::Mod(item) = item
                && is_for_tests(&item.attrs)
            {
                for_tests.insert(format!("{module}::{}", item.ident));
            }
        }
        modules.insert(module.clone(), imports(&text, &module));
    }
    modules.retain(|module, _| !for_tests.contains(module) && module != "crate::main");
    modules
}

/// `crate::live::reader` for `live/reader.rs`.
fn module_of(file: &Path) -> String {
    let path = file.with_extension("").to_string_lossy().replace('/', "::");
    let path = path.strip_suffix("mod").unwrap_or(&path);
    let path = format!("crate::{}", path.trim_end_matches(':'));
    path.strip_suffix("::lib").unwrap_or(&path).to_owned()
}

/// The paths into the crate that a module's text holds, its tests left out, from the crate's root.
fn imports(text: &str, module: &str) -> BTreeSet<String> {
    let file = syn::parse_file(text).unwrap();
    let children = file.items.iter().filter_map(|item| match item {
        Item::Mod(item) => Some(item.ident.to_string()),
        _ => None,
    });
    let mut paths = Paths {
        children: children.collect(),
        module: module.split("::").map(str::to_owned).collect(),
        found: BTreeSet::new(),
    };
    paths.visit_file(&file);
    paths.found
}

struct Paths {
    module: Vec<String>,
    /// The modules that this one declares.
    children: BTreeSet<String>,
    found: BTreeSet<String>,
}

impl Paths {
    /// Notes a path if it leads into the crate.
    fn note(&mut self, segments: &[String]) {
        let mut path = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            Some(first) if self.children.contains(first) => self.module.clone(),
            _ => return,
        };
        for segment in segments {
            match segment.as_str() {
                "self" => {}
                "super" => drop(path.pop()),
                segment => path.push(segment.to_owned()),
            }
        }
        self.found.insert(path.join("::"));
    }

    fn note_tree(&mut self, tree: &UseTree, mut prefix: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.note_tree(&path.tree, prefix);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.note_tree(tree, prefix.clone());
                }
            }
            UseTree::Name(name) => {
                prefix.push(name.ident.to_string());
                self.note(&prefix);
            }
            UseTree::Rename(rename) => {
                prefix.push(rename.ident.to_string());
                self.note(&prefix);
            }
            UseTree::Glob(_) => self.note(&prefix),
        }
    }

    /// The paths in what a macro is called with, or made of.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                }
                TokenTree::Ident(ident) => {
                    self.note(&std::mem::take(&mut path));
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    self.note(&std::mem::take(&mut path));
                    self.note_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.note(&std::mem::take(&mut path));
                }
            }
            colons = 0;
        }
        self.note(&path);
    }
}

impl Visit<'_> for Paths {
    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.note_tree(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter();
        let segments: Vec<String> = segments.map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        self.note_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }
}

/// Whether the item has the attribute `#[cfg(test)]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list();
        attribute.path().is_ident("cfg")
            && condition.is_ok_and(|condition| condition.tokens.to_string() == "test")
    })
}

#[test]
fn finds_every_way_to_write_a_path() {
    let text = "mod z;\nuse z::s;\nuse crate::{a::b, c};\nuse super::{d as e, f::*};\n\
        fn g() -> super::super::h::I { let j = crate::k::l(); m!(crate::n::o, self::p::q) }\n\
        #[cfg(test)]\nmod tests { use crate::r; }\n";
    let found = imports(text, "crate::x::y");
    let expected = [
        "crate::a::b",
        "crate::c",
        "crate::x::d",
        "crate::x::f",
        "crate::h::I",
        "crate::k::l",
        "crate::n::o",
        "crate::x::y::p::q",
        "crate::x::y::z::s",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}
