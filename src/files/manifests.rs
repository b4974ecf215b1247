//! Manifests from files, folders and standard input: the documents with their places, and the cluster
//! that they make.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::documents::{Loaded, read};
use super::error::{Error, Fault, shown};
use super::foreign::{is_foreign, is_template};
use super::input;
use super::pieces::pieces;
use super::render::Rendered;
use super::surroundings::{Surroundings, Unfinished};
use super::walk::{Found, Walk, walk};
use crate::cluster::{Cluster, Mesh};
use crate::model::Key;
use crate::parallel::in_parallel;
use crate::source::{Node, Span};

pub use super::documents::Document;

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
        let mut paths = Vec::new();
        for Found { path, real, .. } in files {
            match surroundings.unfinished(&real) {
                Some(reason) => unfinished.entry(reason).or_default().push(path),
                None => paths.push(path),
            }
        }
        let texts = in_parallel(
            &paths,
            || (),
            |(), path| Ok(String::from_utf8(input::read(path)?)?),
        );
        manifests.add_all(paths.into_iter().zip(texts).collect(), namespace);
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
        let text = String::from_utf8(bytes).map_err(Fault::from);
        self.add_all(vec![(path.to_owned(), text)], namespace);
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

    /// Adds the objects of these texts in their order, which are parsed on all cores.
    fn add_all(&mut self, texts: Vec<(PathBuf, Result<String, Fault>)>, namespace: &str) {
        let readable = texts.iter().enumerate();
        let readable = readable.filter_map(|(index, (_, text))| Some((index, text.as_ref().ok()?)));
        let pieces = readable.flat_map(|(index, text)| {
            let pieces = pieces(text).into_iter();
            pieces.map(move |piece| (index, text, piece))
        });
        let pieces: Vec<_> = pieces.collect();
        let read = in_parallel(
            &pieces,
            || (),
            |(), (_, text, piece)| read(text, *piece, namespace),
        );
        let mut loaded: BTreeMap<usize, Result<Loaded, Fault>> = BTreeMap::new();
        let count = read.iter().flatten().map(|loaded| loaded.documents.len());
        self.documents.reserve_exact(count.sum());
        for ((index, ..), read) in pieces.iter().zip(read) {
            let of_text = loaded
                .entry(*index)
                .or_insert_with(|| Ok(Loaded::default()));
            join(of_text, read);
        }
        for (index, (path, text)) in texts.into_iter().enumerate() {
            let loaded = loaded
                .remove(&index)
                .unwrap_or_else(|| Ok(Loaded::default()));
            let added = text.and_then(|text| self.add_text(&path, text, loaded, namespace));
            let error = added.err().map(|fault| Error::of(&path, fault));
            self.unreadable.extend(error);
        }
    }

    fn add_text(
        &mut self,
        path: &Path,
        text: String,
        loaded: Result<Loaded, Fault>,
        namespace: &str,
    ) -> Result<(), Fault> {
        let loaded = match loaded {
            Err(Fault::Parse(_)) if is_foreign(path, &text) => return Ok(()),
            Err(Fault::Parse(_)) if is_template(&text) => {
                self.notes.push(format!(
                    "{} is a template: judge what your tool renders of it",
                    shown(path)
                ));
                return Ok(());
            }
            loaded => loaded?,
        };
        for mut document in loaded.documents {
            document.file = self.files.len();
            document.generate_name(self.documents.len(), &text, namespace);
            self.documents.push(document);
        }
        self.files.push(File {
            name: shown(path),
            path: path.to_owned(),
            text,
            is_rendered: false,
            repeated_values: loaded.repeated_values,
        });
        Ok(())
    }

    /// The object as it is applied, with a name.
    pub fn value(&self, document: &Document) -> Value {
        let file = self.file(document);
        document.value(file.map_or("", |file| &file.text))
    }

    /// The source trees of documents.
    pub fn trees(&self) -> Trees<'_> {
        Trees {
            manifests: self,
            last: None,
        }
    }
}

/// The source trees of documents, parsed again. Those of one file are best asked for one after the other.
pub struct Trees<'a> {
    manifests: &'a Manifests,
    /// The file and the start of a YAML document, and its items.
    last: Option<((usize, usize), Vec<Node>)>,
}

impl Trees<'_> {
    /// The tree of the document.
    pub fn of<'t>(&'t mut self, document: &'t Document) -> Option<&'t Node> {
        if let Some(tree) = &document.tree {
            return Some(tree);
        }
        let Document { file, place, .. } = document;
        let at = (*file, place.start.byte);
        if self.last.as_ref().is_none_or(|(known, _)| *known != at) {
            let text = &self.manifests.file(document)?.text;
            self.last = Some((at, place.parse(text)));
        }
        let (_, items) = self.last.as_ref()?;
        place.item(items)
    }
}

/// Adds what the next piece of a text holds. The first fault counts.
fn join(loaded: &mut Result<Loaded, Fault>, next: Result<Loaded, Fault>) {
    let Ok(all) = loaded else {
        return;
    };
    match next {
        Ok(next) => {
            all.documents.extend(next.documents);
            all.repeated_values.extend(next.repeated_values);
        }
        Err(fault) => *loaded = Err(fault),
    }
}
