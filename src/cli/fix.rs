//! `fix`: adds generic labels and route names to manifests, as the mutations of the webhook do. It never adds hashes
//! or weights, and edits no line that does not change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use json_patch::PatchOperation;
use serde_json::Value;
use similar::TextDiff;

use super::error::Error;
use super::selection::find_rule;
use super::stored;
use super::suggest::suggestions;
use super::terminal::{print_error, print_line, print_text};
use crate::cluster::Cluster;
use crate::field::{Path, Segment};
use crate::files::manifests::{Document, File, Manifests};
use crate::files::replace::replace;
use crate::files::settings::SettingsOptions;
use crate::mutations::IN_REPOSITORIES;
use crate::rules;
use crate::settings::Settings;
use crate::source::Node;
use crate::source::edit::{self, Edit};

/// Add to manifests the labels and route names that the webhook would add
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// YAML or JSON files, folders (read recursively), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Edit the files in place
    #[arg(long, conflicts_with = "diff")]
    write: bool,
    /// Print a unified diff
    #[arg(long)]
    diff: bool,
    /// Suggest edits for findings with one obvious remedy, such as a misspelled route
    #[arg(long)]
    suggest: bool,
    /// Make the suggested edits for these rules (codes or names)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    apply: Vec<String>,
    #[command(flatten)]
    pub(super) settings: SettingsOptions,
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard fix --diff manifests/                    what would change
  rollout-guard fix --write manifests/                   edit the files; comments and order stay
  rollout-guard fix --suggest --diff manifests/          also what one edit would repair, by rule
  rollout-guard fix --apply RG202 --write manifests/     make those edits for a rule
  helm template shop charts/shop | rollout-guard fix -   what would be stored

Exit codes: 0 nothing changes or all is written, 1 a file would change, 2 some input or an option cannot be used";

/// Edits by the index of their file.
type Edits = BTreeMap<usize, Vec<Edit>>;

/// A file, and its text after the edits.
struct Fixed<'a> {
    file: &'a File,
    new: String,
}

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let (settings, manifests) = options.settings.collect(&options.paths)?;
    for word in &options.apply {
        find_rule(word)?;
    }
    let applied = applied_suggestions(&manifests, &settings, options);
    let files = fix(&manifests, &settings, applied);
    let code = if options.write {
        write(&files)
    } else {
        print(&files, options.diff)
    };
    for note in &manifests.notes {
        print_error(format_args!("note: {note}"));
    }
    let is_quiet = (options.write || options.diff) && !options.suggest;
    if is_quiet && !files.iter().any(Fixed::changes) {
        print_error(format_args!(
            "note: nothing changes in {} files",
            files.len()
        ));
    }
    for error in &manifests.unreadable {
        print_error(format_args!("error: {error}"));
    }
    let is_partial = !manifests.unreadable.is_empty();
    Ok(ExitCode::from(if is_partial { 2 } else { code }))
}

/// Prints all files, or what changes in them. Returns the exit code.
fn print(files: &[Fixed<'_>], as_diff: bool) -> u8 {
    for (index, file) in files.iter().enumerate() {
        if as_diff {
            print_text(&diff(file));
        } else {
            // Separates the documents of several files.
            let separate = index > 0 && !file.new.starts_with("---");
            print_text(&format!(
                "{}{}",
                if separate { "---\n" } else { "" },
                file.new
            ));
        }
    }
    u8::from(files.iter().any(Fixed::changes))
}

/// The suggested edits of the rules that `--apply` names. `--suggest` prints the others.
fn applied_suggestions(manifests: &Manifests, settings: &Settings, options: &Options) -> Edits {
    let mut edits = Edits::new();
    if !options.suggest && options.apply.is_empty() {
        return edits;
    }
    for suggestion in suggestions(manifests, settings) {
        let rule = suggestion.finding.rule;
        let named = |word: &String| rules::find(word).is_some_and(|found| found.id == rule);
        if options.apply.iter().any(named) {
            edits
                .entry(suggestion.file)
                .or_default()
                .push(suggestion.edit);
        } else if options.suggest {
            let file = manifests
                .files
                .get(suggestion.file)
                .map_or("", |file| &file.name);
            let (line, what, code) = (suggestion.line, suggestion.description, rule.code);
            print_error(format_args!("{file}:{line}: {what} (--apply {code})"));
        }
    }
    edits
}

fn fix<'a>(manifests: &'a Manifests, settings: &Settings, mut edits: Edits) -> Vec<Fixed<'a>> {
    let cluster = manifests.cluster(settings.mesh.clone());
    for document in &manifests.documents {
        let of_document = edits_of(manifests, document, &cluster, settings);
        edits.entry(document.file).or_default().extend(of_document);
    }
    let files = manifests.files.iter().enumerate();
    files
        .map(|(index, file)| Fixed {
            file,
            new: edited(file, edits.remove(&index).unwrap_or_default()),
        })
        .collect()
}

/// The text of the file after the edits, or as it is where they cannot be made.
pub(super) fn edited(file: &File, edits: Vec<Edit>) -> String {
    let (shared, edits): (Vec<Edit>, Vec<Edit>) = edits
        .into_iter()
        .partition(|edit| edit.within(&file.repeated_values).is_some());
    let anchors = shared
        .iter()
        .filter_map(|edit| edit.within(&file.repeated_values));
    let lines: BTreeSet<usize> = anchors.map(|anchor| anchor.start.line).collect();
    for line in lines {
        print_error(format_args!(
            "{}:{line}: not edited: an alias repeats this value elsewhere, and would change too: edit it by hand",
            file.name
        ));
    }
    let edited = edit::apply(&file.text, &edits);
    for line in edited.overlapping_lines {
        print_error(format_args!(
            "{}:{line}: two edits overlap here, and one is not made: make it by hand",
            file.name
        ));
    }
    if edited.text != file.text && !edit::is_sound(&file.text, &edited.text) {
        print_error(format_args!(
            "{}: not edited: the edits would make other YAML of it: edit it by hand",
            file.name
        ));
        return file.text.clone();
    }
    edited.text
}

/// What the webhook would add to the document.
pub(super) fn edits_of(
    manifests: &Manifests,
    document: &Document,
    cluster: &Cluster,
    settings: &Settings,
) -> Vec<Edit> {
    let Some(file) = manifests.file(document) else {
        return Vec::new();
    };
    if !document.object.key().kind.is_guarded() {
        return Vec::new();
    }
    let decision = stored::create(IN_REPOSITORIES, manifests, document, cluster, settings);
    let patch = decision.mutation.unwrap_or_default().patch;
    if patch.operations().is_empty() {
        return Vec::new();
    }
    let mut trees = manifests.trees();
    let Some(tree) = trees.of(document) else {
        return Vec::new();
    };
    let operations = patch.operations().iter();
    let edits: Vec<Edit> = operations
        .filter_map(|operation| {
            let (pointer, value) = pointer_and_value(operation)?;
            let path = path_of(tree, &pointer)?;
            edit::set(&file.text, tree, &path, value)
        })
        .collect();
    let is_edited = edits
        .iter()
        .any(|edit| edit.within(&file.repeated_values).is_none());
    for note in patch.notes().iter().filter(|_| is_edited) {
        print_error(format_args!(
            "{}: {}: {note}",
            file.name,
            document.object.key()
        ));
    }
    edits
}

fn pointer_and_value(operation: &PatchOperation) -> Option<(String, &Value)> {
    match operation {
        PatchOperation::Add(add) => Some((add.path.to_string(), &add.value)),
        PatchOperation::Replace(replace) => Some((replace.path.to_string(), &replace.value)),
        _ => None,
    }
}

/// A JSON pointer as a path of the document, which knows whether `0` is an index or a name.
fn path_of(tree: &Node, pointer: &str) -> Option<Path> {
    let mut node = Some(tree);
    let steps = pointer.strip_prefix('/')?.split('/').map(|step| {
        let name = step.replace("~1", "/").replace("~0", "~");
        let index = name
            .parse()
            .ok()
            .filter(|_| node.is_some_and(|node| node.at(0).is_some()));
        if let Some(index) = index {
            node = node.and_then(|node| node.at(index));
            return Segment::Index(index);
        }
        node = node.and_then(|node| node.get(&name));
        Segment::Entry(name)
    });
    Some(steps.collect())
}

/// Writes the files that change, each at once or not at all. Returns the exit code.
fn write(files: &[Fixed<'_>]) -> u8 {
    let mut code = 0;
    for Fixed { file, new } in files.iter().filter(|file| file.changes()) {
        if file.name == "-" {
            print_error(format_args!("error: {}", Error::StandardInput));
            code = 2;
            continue;
        }
        match replace(&file.path, &file.text, new) {
            Ok(()) => print_line(format_args!("fixed {}", file.name)),
            Err(error) => {
                print_error(format_args!("error: {}: {error}", file.name));
                code = 2;
            }
        }
    }
    code
}

fn diff(fixed: &Fixed<'_>) -> String {
    if !fixed.changes() {
        return String::new();
    }
    let name = &fixed.file.name;
    let diff = TextDiff::from_lines(fixed.file.text.as_str(), fixed.new.as_str());
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
    diff.unified_diff().header(&old, &new).to_string()
}

impl Fixed<'_> {
    fn changes(&self) -> bool {
        self.file.text != self.new
    }
}
