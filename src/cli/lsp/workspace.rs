//! The manifests of the workspace folders, and over them the texts that the editor holds. A change costs the file
//! that it changes: the others stay parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;

use crate::files::Error;
use crate::files::manifests::{File, Manifests};
use crate::files::unsaved::is_read;
use crate::text::printable;

#[derive(Default)]
pub struct Workspace {
    /// Without one, the open files alone are judged.
    pub folders: Vec<PathBuf>,
    namespace: String,
    pub open: BTreeMap<PathBuf, Buffer>,
    pub manifests: Manifests,
    /// The open files that cannot be parsed: of each the objects that it had before still count.
    broken: BTreeSet<PathBuf>,
    /// The open files that have changed since the manifests were brought up to date.
    changed: BTreeSet<PathBuf>,
    /// Files on the disk may have changed.
    is_outdated: bool,
}

/// What the editor holds of a file.
pub struct Buffer {
    /// As the editor writes it.
    pub uri: Uri,
    pub version: Option<i32>,
    pub text: String,
}

impl Workspace {
    /// Without folders, with the namespace of objects that name none.
    pub fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..Self::default()
        }
    }

    /// Reads everything again, next time.
    pub fn read_again(&mut self) {
        self.is_outdated = true;
    }

    pub fn set(&mut self, path: PathBuf, buffer: Buffer) {
        self.changed.insert(path.clone());
        self.open.insert(path, buffer);
    }

    pub fn close(&mut self, path: &Path) {
        if self.open.remove(path).is_some() {
            self.read_again();
        }
    }

    /// Brings the manifests up to date.
    pub fn update(&mut self) {
        let mut changed = std::mem::take(&mut self.changed);
        if std::mem::take(&mut self.is_outdated) {
            self.manifests = Manifests::collect(&self.folders, &self.namespace);
            self.broken.clear();
            changed = self.open.keys().cloned().collect();
        }
        for path in changed {
            self.put(&path);
        }
    }

    /// Whether the file's objects are those of a text that the editor does not hold any more.
    pub fn is_broken(&self, path: &Path) -> bool {
        self.broken.contains(path)
    }

    /// The files that cannot be used, and why.
    pub fn unreadable(&self) -> impl Iterator<Item = (PathBuf, &Error)> {
        let errors = self.manifests.unreadable.iter();
        errors.map(|error| {
            let open = self.open.keys();
            let mut open = open.filter(|path| error.file == name(path));
            let path = open.next().cloned();
            (path.unwrap_or_else(|| PathBuf::from(&error.file)), error)
        })
    }

    /// Puts what the editor holds of the file in the place of what the disk has.
    fn put(&mut self, path: &Path) {
        let mut folders = self.folders.iter();
        let is_judged = self.folders.is_empty() || folders.any(|folder| is_read(path, folder));
        let Some(buffer) = self.open.get(path).filter(|_| is_judged) else {
            return;
        };
        let mut new = Manifests::default();
        new.add(path, buffer.text.clone().into_bytes(), &self.namespace);
        let name = name(path);
        let unreadable = &mut self.manifests.unreadable;
        unreadable.retain(|error| error.file != name);
        if new.unreadable.is_empty() {
            self.broken.remove(path);
            self.replace(path, new);
        } else {
            unreadable.append(&mut new.unreadable);
            self.broken.insert(path.to_owned());
        }
    }

    /// Files and documents stay in the order in which a walk reads them: of an object defined twice the later one
    /// counts.
    fn replace(&mut self, path: &Path, new: Manifests) {
        let Manifests {
            files, documents, ..
        } = &mut self.manifests;
        if let Some(index) = files.iter().position(|file| file.path == path) {
            files.remove(index);
            documents.retain(|document| document.file != index);
            let behind = documents.iter_mut().filter(|other| other.file > index);
            behind.for_each(|document| document.file -= 1);
        }
        let Some(file) = new.files.into_iter().next() else {
            return;
        };
        let order = |path: &Path| {
            let mut folders = self.folders.iter();
            folders.position(|folder| path.starts_with(folder))
        };
        let place = (order(path), path);
        let before = |file: &File| (order(&file.path), file.path.as_path()) < place;
        let index = files.iter().filter(|file| before(file)).count();
        files.insert(index, file);
        let behind = documents.iter_mut().filter(|other| other.file >= index);
        behind.for_each(|document| document.file += 1);
        let first = documents.partition_point(|document| document.file < index);
        let of_file = new.documents.into_iter().map(|mut document| {
            document.file = index;
            document
        });
        documents.splice(first..first, of_file);
    }
}

/// The file as errors name it.
fn name(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}
