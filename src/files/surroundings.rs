//! What stands beside a file tells whether it is a manifest at all: the templates of a Helm chart, and what a
//! kustomization lists as a patch, are not.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::error::shown;
use super::input::read;
use crate::source::{Content, Limits, Node, parse_leniently};

/// Folders above a file in which a kustomization or a chart is looked for.
const MAX_LEVELS: usize = 8;

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Why a file is no manifest that could be judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Unfinished {
    /// A template of the Helm chart in this folder.
    Template(PathBuf),
    /// A patch of the kustomization in this folder.
    Patch(PathBuf),
}

/// The kustomizations read so far: the patches of each, without links.
#[derive(Default)]
pub(super) struct Surroundings {
    patches: HashMap<PathBuf, HashSet<PathBuf>>,
    charts: HashMap<PathBuf, bool>,
}

impl Surroundings {
    /// Why the file, a path without links, is not judged; `None` for a manifest.
    pub fn unfinished(&mut self, file: &Path) -> Option<Unfinished> {
        file.ancestors()
            .skip(1)
            .take(MAX_LEVELS)
            .find_map(|folder| {
                let is_chart = folder.file_name().is_some_and(|name| name == "templates");
                if let Some(chart) = folder.parent().filter(|_| is_chart)
                    && self.is_chart(chart)
                {
                    return Some(Unfinished::Template(chart.to_owned()));
                }
                let is_patch = self.patches_of(folder).contains(file);
                is_patch.then(|| Unfinished::Patch(folder.to_owned()))
            })
    }

    fn is_chart(&mut self, folder: &Path) -> bool {
        if let Some(is_chart) = self.charts.get(folder) {
            return *is_chart;
        }
        let is_chart = folder.join("Chart.yaml").is_file();
        self.charts.insert(folder.to_owned(), is_chart);
        is_chart
    }

    fn patches_of(&mut self, folder: &Path) -> &HashSet<PathBuf> {
        let patches = self.patches.entry(folder.to_owned());
        patches.or_insert_with(|| {
            let named = KUSTOMIZATIONS.iter().map(|name| folder.join(name));
            let existing = named.filter(|file| file.is_file());
            existing.flat_map(|file| patches_in(&file)).collect()
        })
    }
}

impl Unfinished {
    /// What people are told of these files.
    pub fn note(&self, files: &[PathBuf]) -> String {
        let first = files.first().map_or(Path::new(""), PathBuf::as_path);
        let names = match files.len() {
            1 => shown(first),
            count => format!("{} and {} more", shown(first), count - 1),
        };
        let (Unfinished::Template(folder) | Unfinished::Patch(folder)) = self;
        let folder = shown(&as_given(folder, first));
        match self {
            Unfinished::Template(_) => format!(
                "{names}: templates of a Helm chart are not judged; judge what `helm template {folder}` prints"
            ),
            Unfinished::Patch(_) => format!(
                "{names}: patches of a kustomization are not judged; judge what `kubectl kustomize {folder}` prints"
            ),
        }
    }
}

/// A folder above the file, as the path of the file names it.
fn as_given(folder: &Path, file: &Path) -> PathBuf {
    let mut above = file
        .ancestors()
        .skip(1)
        .map(|above| match above.as_os_str() {
            name if name.is_empty() => Path::new("."),
            _ => above,
        });
    let given = above.find(|above| above.canonicalize().is_ok_and(|real| real == folder));
    given.unwrap_or(folder).to_owned()
}

/// The files that the kustomization lists as patches, without links. One that cannot be read lists none: it is told
/// where it is read as a manifest itself.
fn patches_in(kustomization: &Path) -> Vec<PathBuf> {
    let text = read(kustomization)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let parsed = text.and_then(|text| parse_leniently(&text, Limits::default()).ok());
    let documents = parsed.map(|parsed| parsed.documents).unwrap_or_default();
    let fields = ["patches", "patchesStrategicMerge", "patchesJson6902"];
    let lists = documents
        .iter()
        .flat_map(|document| fields.iter().filter_map(|field| document.get(field)));
    let names = lists.flat_map(patch_names);
    names
        .filter_map(|name| {
            kustomization
                .with_file_name("")
                .join(name)
                .canonicalize()
                .ok()
        })
        .collect()
}

/// The `path` of each entry, or the entry itself, which may also be the text of a patch.
fn patch_names(list: &Node) -> Vec<String> {
    let Content::Sequence(entries) = &list.content else {
        return Vec::new();
    };
    let names = entries.iter().filter_map(|entry| {
        let path = entry.get("path").and_then(Node::as_str);
        path.or_else(|| entry.as_str())
    });
    let names = names.filter(|name| !name.contains('\n'));
    names.map(str::to_owned).collect()
}
