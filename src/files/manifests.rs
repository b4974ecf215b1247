//! Manifests from files, folders and standard input: the documents with their places, and the cluster
//! that they make.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use walkdir::{DirEntry, WalkDir};

use crate::cluster::{Cluster, Mesh};
use crate::model::{Key, Object};
use crate::source::{self, Content, Limits, Node};

/// All that the paths hold.
#[derive(Debug, Default)]
pub struct Manifests {
    pub files: Vec<File>,
    pub documents: Vec<Document>,
}

/// One text.
#[derive(Debug)]
pub struct File {
    /// As it was given; `-` for standard input.
    pub name: String,
    pub text: String,
}

/// One object of a kind we know.
#[derive(Debug)]
pub struct Document {
    pub object: Object,
    pub node: Node,
    /// Index in [`Manifests::files`].
    pub file: usize,
}

/// An object that is defined twice; the later one counts.
#[derive(Clone, Copy, Debug)]
pub struct Duplicate<'a> {
    pub earlier: &'a Document,
    pub later: &'a Document,
}

/// Why manifests cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
pub struct Error {
    file: String,
    source: Fault,
}

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("{}", io_text(.0))]
    List(#[from] walkdir::Error),
    #[error("is not UTF-8 text")]
    Encoding(#[from] FromUtf8Error),
    #[error(transparent)]
    Parse(#[from] source::Error),
    #[error("{0}; a template must be rendered first")]
    Template(#[source] source::Error),
}

impl Manifests {
    /// Reads files, folders (recursively, `.yaml`, `.yml` and `.json`) and `-`.
    pub fn read(paths: &[PathBuf], namespace: &str) -> Result<Self, Error> {
        let mut manifests = Self::default();
        for path in files(paths)? {
            let name = path.to_string_lossy().into_owned();
            let bytes = if is_stdin(&path) {
                let mut bytes = Vec::new();
                std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
            } else {
                std::fs::read(&path)
            };
            let added = bytes.map_err(Fault::from);
            let added = added.and_then(|bytes| manifests.add(&name, bytes, namespace));
            added.map_err(|source| Error { file: name, source })?;
        }
        Ok(manifests)
    }

    /// The cluster that the manifests are; of an object defined twice the later one.
    pub fn cluster(&self, mesh: Mesh) -> Cluster {
        let mut cluster = Cluster::new(mesh);
        for document in &self.documents {
            cluster.apply(document.object.clone());
        }
        cluster
    }

    /// The document of each object, the later one of those defined twice.
    pub fn by_key(&self) -> HashMap<&Key, &Document> {
        let documents = self.documents.iter();
        documents
            .map(|document| (document.object.key(), document))
            .collect()
    }

    pub fn duplicates(&self) -> Vec<Duplicate<'_>> {
        let mut seen: HashMap<&Key, &Document> = HashMap::new();
        let documents = self.documents.iter();
        let named = documents.filter(|document| !document.object.meta.name().is_empty());
        named
            .filter_map(|later| {
                let earlier = seen.insert(later.object.key(), later)?;
                Some(Duplicate { earlier, later })
            })
            .collect()
    }

    pub fn file(&self, document: &Document) -> Option<&File> {
        self.files.get(document.file)
    }

    fn add(&mut self, name: &str, bytes: Vec<u8>, namespace: &str) -> Result<(), Fault> {
        let text = String::from_utf8(bytes)?;
        let nodes = source::parse(&text, Limits::default());
        let nodes = nodes.map_err(|error| {
            if text.contains("{{") {
                Fault::Template(error)
            } else {
                Fault::Parse(error)
            }
        })?;
        let file = self.files.len();
        for node in nodes.into_iter().flat_map(items) {
            if let Some(object) = Object::parse(&node.to_value(), namespace) {
                let document = Document { object, node, file };
                self.documents.push(document);
            }
        }
        let name = name.to_owned();
        self.files.push(File { name, text });
        Ok(())
    }
}

/// The files that the paths hold, in the order in which they are read.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if is_stdin(path) {
            files.push(path.clone());
            continue;
        }
        let walk = WalkDir::new(path).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_behind_volume(entry)) {
            let entry = entry.map_err(|error| Error {
                file: path.to_string_lossy().into_owned(),
                source: error.into(),
            })?;
            let given = entry.depth() == 0;
            if !entry.file_type().is_dir() && (given || is_manifest(entry.path())) {
                files.push(entry.into_path());
            }
        }
    }
    Ok(files)
}

/// The items of a `List`, of lists in it too; any other document itself.
fn items(node: Node) -> Vec<Node> {
    let is_list = node
        .get("kind")
        .and_then(Node::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    if !is_list {
        return vec![node];
    }
    let Content::Mapping(entries) = node.content else {
        return Vec::new();
    };
    let list = entries.into_iter().find(|(key, _)| key.text == "items");
    match list.map(|(_, items)| items.content) {
        Some(Content::Sequence(nodes)) => nodes.into_iter().flat_map(items).collect(),
        _ => Vec::new(),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// `..data` and the dated folder beside it: where a ConfigMap or Secret volume keeps the files that it
/// links to from above. Reading them too would read every object twice, and removed ones for a while.
fn is_behind_volume(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b"..")
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}

/// Without the path, which the error names already.
fn io_text(error: &walkdir::Error) -> String {
    let io = error.io_error().map(ToString::to_string);
    io.unwrap_or_else(|| error.to_string())
}
