//! `fix`: adds generic labels and route names to manifests, as the mutations of the webhook do. It never adds hashes
//! or weights, and edits no line that does not change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use json_patch::PatchOperation;
use serde_json::Value;
use similar::TextDiff;

use super::error::Error;
use super::stored;
use super::suggest::suggestions;
use super::terminal::{print_error, print_line, print_text};
use crate::cluster::Cluster;
use crate::field::{Path, Segment};
use crate::files::manifests::{Document, File, Manifests};
use crate::files::settings::SettingsOptions;
use crate::mutations::IN_REPOSITORIES;
use crate::rules;
use crate::settings::Settings;
use crate::source::edit::{self, Edit};

/// Add to manifests the labels and route names that the webhook would add
#[derive(Args, Clone, Debug)]
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
    settings: SettingsOptions,
}

/// Edits by the index of their file.
type Edits = BTreeMap<usize, Vec<Edit>>;

/// A file before and after its edits.
struct Fixed<'a> {
    name: &'a str,
    old: &'a str,
    new: String,
}

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let (settings, manifests) = options.settings.read(&options.paths)?;
    if let Some(unknown) = options
        .apply
        .iter()
        .find(|word| rules::find(word).is_none())
    {
        return Err(Error::UnknownRule {
            word: unknown.clone(),
            hint: String::new(),
        });
    }
    let applied = applied_suggestions(&manifests, &settings, options);
    let files = fix(&manifests, &settings, applied);
    if options.write {
        return write(&files);
    }
    for (index, file) in files.iter().enumerate() {
        if options.diff {
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
    Ok(ExitCode::from(u8::from(files.iter().any(Fixed::changes))))
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
            name: &file.name,
            old: &file.text,
            new: edited(file, edits.get(&index).map_or(&[], Vec::as_slice)),
        })
        .collect()
}

fn edited(file: &File, edits: &[Edit]) -> String {
    let edited = edit::apply(&file.text, edits);
    for line in edited.overlapping_lines {
        print_error(format_args!(
            "{}:{line}: two edits overlap here, and one is not made: make it by hand",
            file.name
        ));
    }
    edited.text
}

fn edits_of(
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
    let decision = stored::create(IN_REPOSITORIES, document, cluster, settings);
    let patch = decision.mutation.unwrap_or_default().patch;
    let operations = patch.operations().iter();
    let edits: Vec<Edit> = operations
        .filter_map(|operation| {
            let (pointer, value) = pointer_and_value(operation)?;
            let path = path_of(document, &pointer)?;
            edit::set(&file.text, &document.node, &path, value)
        })
        .collect();
    for note in patch.notes().iter().filter(|_| !edits.is_empty()) {
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
fn path_of(document: &Document, pointer: &str) -> Option<Path> {
    let mut node = Some(&document.node);
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

fn write(files: &[Fixed<'_>]) -> Result<ExitCode, Error> {
    for file in files.iter().filter(|file| file.changes()) {
        if file.name == "-" {
            return Err(Error::StandardInput);
        }
        let written = std::fs::write(file.name, &file.new);
        written.map_err(Error::of_file(file.name.as_ref()))?;
        print_line(format_args!("fixed {}", file.name));
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(file: &Fixed<'_>) -> String {
    if !file.changes() {
        return String::new();
    }
    let diff = TextDiff::from_lines(file.old, file.new.as_str());
    let (old, new) = (format!("a/{}", file.name), format!("b/{}", file.name));
    diff.unified_diff().header(&old, &new).to_string()
}

impl Fixed<'_> {
    fn changes(&self) -> bool {
        self.old != self.new
    }
}
