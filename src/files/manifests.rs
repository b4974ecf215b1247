//! Manifests from files, folders and standard input: the documents with their places, and the cluster
//! that they make.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::{Error, Fault, shown};
use super::foreign::{is_foreign, is_template};
use super::input;
use super::render::Rendered;
use super::surroundings::{Surroundings, Unfinished};
use super::walk::{Found, Walk, walk};
use crate::cluster::{Cluster, Mesh};
use crate::model::{Key, Kind, Object};
use crate::source::{Content, KeyNode, Limits, Node, Parsed, Span, parse_leniently};

/// All that the paths hold.
#[derive(Debug, Default)]
pub struct Manifests {
    pub files: Vec<File>,
    pub documents: Vec<Document>,
    /// The files that cannot be used.
    pub unreadable: Vec<Error>,
    /// What is passed over because it is no finished manifest.
    pub notes: Vec<String>,
}

/// One text.
#[derive(Debug)]
pub struct File {
    /// As people read it: without control characters; `-` for standard input.
    pub name: String,
    pub path: PathBuf,
    pub text: String,
    /// A tool rendered the text from the file at `path`: its lines are not those of the file.
    pub is_rendered: bool,
    /// The values with an anchor that an alias repeats.
    pub repeated_values: Vec<Span>,
}

/// One object of a kind we know.
#[derive(Debug)]
pub struct Document {
    pub object: Object,
    pub node: Node,
    /// Index in [`Manifests::files`].
    pub file: usize,
    /// The keys that stand in their mapping for the second time.
    pub repeated_keys: Vec<KeyNode>,
    /// The name that stands for the one that the API server makes of `generateName`.
    generated_name: Option<String>,
}

/// An object that is defined twice; the later one counts.
#[derive(Clone, Copy, Debug)]
pub struct Duplicate<'a> {
    pub earlier: &'a Document,
    pub later: &'a Document,
}

impl Duplicate<'_> {
    /// Whether the two definitions differ in what rules read.
    pub fn differs(&self) -> bool {
        self.earlier.object != self.later.object
    }
}

impl Manifests {
    /// Reads files, folders (recursively, `.yaml`, `.yml` and `.json`) and `-`: an error if one cannot be used.
    pub fn read(paths: &[PathBuf], namespace: &str) -> Result<Self, Error> {
        let mut manifests = Self::collect(paths, namespace);
        if manifests.unreadable.is_empty() {
            Ok(manifests)
        } else {
            Err(manifests.unreadable.swap_remove(0))
        }
    }

    /// Reads what can be used of files, folders and `-`.
    pub fn collect(paths: &[PathBuf], namespace: &str) -> Self {
        let Walk {
            files,
            unreadable,
            notes,
        } = walk(paths);
        let mut manifests = Self {
            unreadable,
            notes,
            ..Self::default()
        };
        let mut surroundings = Surroundings::default();
        let mut unfinished: BTreeMap<Unfinished, Vec<PathBuf>> = BTreeMap::new();
        for Found { path, real, .. } in files {
            if let Some(reason) = surroundings.unfinished(&real) {
                unfinished.entry(reason).or_default().push(path);
                continue;
            }
            match input::read(&path) {
                Ok(bytes) => manifests.add(&path, bytes, namespace),
                Err(fault) => manifests.unreadable.push(Error::of(&path, fault)),
            }
        }
        let notes = unfinished.iter().map(|(reason, files)| reason.note(files));
        manifests.notes.extend(notes);
        manifests
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

    /// Adds the objects of a text, or why they cannot be used.
    pub fn add(&mut self, path: &Path, bytes: Vec<u8>, namespace: &str) {
        let added = self.try_add(path, bytes, namespace);
        let error = added.err().map(|fault| Error::of(path, fault));
        self.unreadable.extend(error);
    }

    /// Adds the objects that a tool rendered, or why there are none.
    pub fn add_rendered(&mut self, rendered: Result<Vec<Rendered>, Error>, namespace: &str) {
        let texts = match rendered {
            Ok(texts) => texts,
            Err(error) => return self.unreadable.push(error),
        };
        for Rendered { path, text } in texts {
            let count = self.files.len();
            self.add(&path, text.into_bytes(), namespace);
            for file in self.files.iter_mut().skip(count) {
                file.name += " (rendered)";
                file.is_rendered = true;
            }
        }
    }

    fn try_add(&mut self, path: &Path, bytes: Vec<u8>, namespace: &str) -> Result<(), Fault> {
        let text = String::from_utf8(bytes)?;
        let parsed = match parse_leniently(&text, Limits::default()) {
            Ok(parsed) => parsed,
            Err(_) if is_foreign(path, &text) => return Ok(()),
            Err(_) if is_template(&text) => {
                self.notes.push(format!(
                    "{} is a template: judge what your tool renders of it",
                    shown(path)
                ));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let repeated_values = parsed.repeated_values.clone();
        let documents = self.documents_of(&text, parsed, namespace)?;
        self.files.push(File {
            name: shown(path),
            path: path.to_owned(),
            text,
            is_rendered: false,
            repeated_values,
        });
        self.documents.extend(documents);
        Ok(())
    }

    fn documents_of(
        &self,
        text: &str,
        mut parsed: Parsed,
        namespace: &str,
    ) -> Result<Vec<Document>, Fault> {
        parsed.complex_keys.sort_by_key(|key| key.start.byte);
        parsed.repeated_keys.sort_by_key(|key| key.span.start.byte);
        let mut documents = Vec::new();
        for node in parsed.documents.into_iter().flat_map(items) {
            let Some(kind) = kind_of(&node) else {
                continue;
            };
            let complex_keys = inside(&parsed.complex_keys, &node, |key| *key);
            refuse_complex_keys(text, complex_keys)?;
            let repeated_keys = inside(&parsed.repeated_keys, &node, |key| key.span);
            let number = self.documents.len() + documents.len();
            let generated_name = generated_name(&node, number);
            let mut document = Document {
                object: Object::parse_as(kind, &Value::Null, namespace),
                repeated_keys: repeated_keys.to_vec(),
                file: self.files.len(),
                generated_name,
                node,
            };
            document.object = Object::of_manifest(kind, &document.value(), namespace);
            documents.push(document);
        }
        Ok(documents)
    }
}

impl Document {
    /// The object as it is applied, with a name.
    pub fn value(&self) -> Value {
        let mut value = self.node.to_value();
        if let Some(name) = &self.generated_name
            && let Some(Value::Object(meta)) = value.get_mut("metadata")
        {
            meta.insert("name".to_owned(), name.clone().into());
        }
        value
    }
}

/// The kind of a document that we know.
fn kind_of(node: &Node) -> Option<Kind> {
    let text = |field| node.get(field).and_then(Node::as_str);
    Kind::of(text("apiVersion")?, text("kind")?)
}

/// A name for an object that only says how its name begins: each is an object of its own. The API server adds five
/// characters too.
fn generated_name(node: &Node, number: usize) -> Option<String> {
    let meta = node.get("metadata")?;
    let name = meta.get("name").and_then(Node::as_str).unwrap_or_default();
    let prefix = meta.get("generateName")?.as_str()?;
    name.is_empty().then(|| format!("{prefix}{number:05}"))
}

/// A key that is a list or a mapping, unless it is how YAML reads a template's `{{ … }}`.
fn refuse_complex_keys(text: &str, keys: &[Span]) -> Result<(), Fault> {
    let mut wrong = keys.iter().filter(|key| {
        let before = text.get(..key.start.byte).unwrap_or_default();
        !before.ends_with('{')
    });
    match wrong.next() {
        Some(key) => Err(Fault::ComplexKey {
            line: key.start.line,
            column: key.start.column,
        }),
        None => Ok(()),
    }
}

/// Those of the keys, which are sorted, that stand in the node.
fn inside<'a, T>(keys: &'a [T], node: &Node, span: impl Fn(&T) -> Span) -> &'a [T] {
    let before = |byte: usize| keys.partition_point(|key| span(key).start.byte < byte);
    let range = before(node.span.start.byte)..before(node.span.end.byte);
    keys.get(range).unwrap_or_default()
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
    match node.get("items").map(|items| &items.content) {
        Some(Content::Sequence(nodes)) => nodes.iter().cloned().flat_map(items).collect(),
        _ => Vec::new(),
    }
}
