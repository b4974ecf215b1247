//! Takes from the files of rules and mutations what the program needs of them: the documentation at the top
//! of each (`pages.rs`), and the list of all rules in the order of their codes (`catalogue.rs`). Also names the commit.

#![allow(clippy::disallowed_methods)] // a build script reads the environment and files

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut rules = declarations("src/rules", "\nrule!(")?;
    rules.sort_by(|one, other| one.first_argument.cmp(&other.first_argument));
    let modules = fs::read_to_string("src/rules/mod.rs")?;
    let mut catalogue = String::from("&[\n");
    for Declaration { stem, .. } in &rules {
        if !modules.contains(&format!("\nmod {stem};\n")) {
            println!(
                "cargo::error=src/rules/{stem}.rs is a rule: add `mod {stem};` to src/rules/mod.rs"
            );
        }
        writeln!(catalogue, "    {stem}::RULE,")?;
    }
    catalogue += "]\n";
    let mut pages = String::from("match module.as_bytes() {\n");
    for rule in &rules {
        write_page(&mut pages, "rules", rule)?;
    }
    for mutation in declarations("src/mutations", "\nmutation!(")? {
        write_page(&mut pages, "mutations", &mutation)?;
    }
    pages += "    _ => panic!(\"build.rs finds no documentation for this module\"),\n}\n";
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("catalogue.rs"), catalogue)?;
    fs::write(Path::new(&out).join("pages.rs"), pages)?;
    println!("cargo::rustc-env=ROLLOUT_GUARD_COMMIT={}", commit());
    println!("cargo::rerun-if-env-changed=ROLLOUT_GUARD_COMMIT");
    Ok(())
}

/// What `--version` says of the source. A debug build does not name a commit: it would be built again after each.
fn commit() -> String {
    let given = env::var("ROLLOUT_GUARD_COMMIT").unwrap_or_default();
    if !given.is_empty() {
        return format!("commit {given}");
    }
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return "debug build".to_owned();
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // Source that lies in the repository of something else has no commit of its own.
    if git(&["rev-parse", "--show-prefix"]).is_none_or(|prefix| !prefix.is_empty()) {
        return "built outside of git".to_owned();
    }
    // The branch moves in the file that HEAD names, or in the packed list of all.
    let head = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(head.as_deref()) {
        let path = git(&["rev-parse", "--git-path", name]);
        if let Some(path) = path.filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    commit.map_or_else(
        || "no commit".to_owned(),
        |commit| format!("commit {commit}"),
    )
}

/// A file that declares a rule or a mutation.
struct Declaration {
    stem: String,
    first_argument: String,
    documentation: String,
}

/// The files of a folder that have a line which begins with the macro.
fn declarations(folder: &str, call: &str) -> Result<Vec<Declaration>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={folder}");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        if let (Some(stem), Some((_, arguments))) = (path.file_stem(), text.split_once(call)) {
            let first = arguments.split([',', '(']).next().unwrap_or_default();
            let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
            let lines: Vec<&str> = lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
            found.push(Declaration {
                stem: stem.to_string_lossy().into_owned(),
                first_argument: first.trim().to_owned(),
                documentation: lines.join("\n"),
            });
        }
    }
    Ok(found)
}

/// One arm of the `match` that finds a module's page.
fn write_page(pages: &mut String, folder: &str, file: &Declaration) -> std::fmt::Result {
    let Declaration {
        stem,
        documentation,
        ..
    } = file;
    let name = stem.replace('_', "-");
    writeln!(
        pages,
        "    b\"rollout_guard::{folder}::{stem}\" => Page {{ name: {name:?}, text: {documentation:?} }},"
    )
}
