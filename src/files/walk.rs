//! The files that the paths of a command line hold. Each is read once, whichever links and paths lead to it, and no
//! link leads out of the given folders.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::error::{Error, Fault, shown};
use super::input::{check, is_descriptor, is_stdin};
use crate::rules::nearest;

/// Names of a folder that are compared with a misspelt one.
const MAX_NAMES: usize = 1000;

/// What the paths hold.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// In the order in which they are read.
    pub files: Vec<Found>,
    pub unreadable: Vec<Error>,
    /// What is passed over that is no file.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Found {
    /// As it was given, or below a folder that was given; `-` for standard input.
    pub path: PathBuf,
    /// Without links.
    pub real: PathBuf,
    /// The last part of the path is a link.
    is_link: bool,
}

/// The paths of the files that the paths hold, in the order in which they are read.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let Walk {
        files, unreadable, ..
    } = walk(paths);
    match unreadable.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(files.into_iter().map(|file| file.path).collect()),
    }
}

/// Walks through files, folders (recursively, `.yaml`, `.yml` and `.json`) and `-`.
pub(super) fn walk(paths: &[PathBuf]) -> Walk {
    let mut walker = Walker {
        roots: paths
            .iter()
            .filter_map(|path| fs::canonicalize(path).ok())
            .collect(),
        ..Walker::default()
    };
    for path in paths {
        if is_stdin(path) {
            walker.add(path, path.clone(), false);
            continue;
        }
        let entries = WalkDir::new(path).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_behind_volume(entry)) {
            let visited = match &entry {
                Ok(entry) => walker.visit(entry),
                Err(_) => Ok(()),
            };
            let fault = match entry {
                Err(error) if error.depth() == 0 && is_missing(&error) => {
                    let hint = similar(path);
                    Some(Error::of(path, Fault::Missing { hint }))
                }
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    Some(Error::of(&at, error))
                }
                Ok(entry) => visited.err().map(|fault| Error::of(entry.path(), fault)),
            };
            walker.walk.unreadable.extend(fault);
        }
    }
    walker.finish()
}

#[derive(Default)]
struct Walker {
    walk: Walk,
    /// The given paths without links.
    roots: Vec<PathBuf>,
    /// Folders without links.
    folders: HashMap<PathBuf, PathBuf>,
}

impl Walker {
    fn visit(&mut self, entry: &DirEntry) -> Result<(), Fault> {
        let (path, is_given) = (entry.path(), entry.depth() == 0);
        if entry.file_type().is_dir() {
            return Ok(());
        }
        if is_given && is_descriptor(path) {
            self.add(path, path.to_owned(), true);
            return Ok(());
        }
        let is_link = entry.path_is_symlink();
        let is_manifest = is_given || is_manifest(path);
        if !is_link {
            if is_manifest {
                check(&fs::metadata(path)?)?;
                let real = self.real(path)?;
                self.add(path, real, false);
            }
            return Ok(());
        }
        self.visit_link(path, is_given, is_manifest)
    }

    fn visit_link(&mut self, path: &Path, is_given: bool, is_manifest: bool) -> Result<(), Fault> {
        // A link that leads nowhere is of interest only where a manifest should be.
        let target = match fs::canonicalize(path) {
            Err(error) if is_manifest => return Err(error.into()),
            Err(_) => return Ok(()),
            Ok(target) => target,
        };
        let leads_out = !is_given && !self.roots.iter().any(|root| target.starts_with(root));
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            if leads_out {
                let (path, target) = (shown(path), shown(&target));
                self.walk.notes.push(format!(
                    "{path} is a link that leads out of the given folders, to {target}: what it holds is not read"
                ));
            }
            return Ok(());
        }
        if !is_manifest {
            return Ok(());
        }
        if leads_out {
            return Err(Fault::LeadsOut(shown(&target)));
        }
        check(&metadata)?;
        self.add(path, target, true);
        Ok(())
    }

    fn add(&mut self, path: &Path, real: PathBuf, is_link: bool) {
        self.walk.files.push(Found {
            path: path.to_owned(),
            real,
            is_link,
        });
    }

    /// The path of a file that is no link, without the links before its name.
    fn real(&mut self, path: &Path) -> io::Result<PathBuf> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return fs::canonicalize(path);
        };
        if let Some(folder) = self.folders.get(parent) {
            return Ok(folder.join(name));
        }
        let given = if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        };
        let folder = fs::canonicalize(given)?;
        let real = folder.join(name);
        self.folders.insert(parent.to_owned(), folder);
        Ok(real)
    }

    /// Leaves out what leads to a file that is read by another path.
    fn finish(self) -> Walk {
        let mut walk = self.walk;
        let files = walk.files.iter();
        let regular = files.filter(|file| !file.is_link);
        let regular: HashSet<PathBuf> = regular.map(|file| file.real.clone()).collect();
        let mut seen = HashSet::new();
        walk.files.retain(|file| {
            let is_read_elsewhere = file.is_link && regular.contains(&file.real);
            !is_read_elsewhere && seen.insert(file.real.clone())
        });
        walk
    }
}

fn is_missing(error: &walkdir::Error) -> bool {
    let io = error.io_error();
    io.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The file or folder beside it whose name is nearest, as a question.
fn similar(path: &Path) -> String {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter();
    let entries = entries.flatten().flatten().take(MAX_NAMES);
    let names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = path.file_name().and_then(|name| name.to_str());
    let near = name.and_then(|name| nearest(name, names.iter().map(String::as_str)));
    let near = near.map(|name| path.with_file_name(name));
    near.map(|path| format!("; did you mean `{}`?", shown(&path)))
        .unwrap_or_default()
}

/// `..data` and the dated folder beside it: where a ConfigMap or Secret volume keeps the files that it
/// links to from above. Reading them too would read removed objects for a while.
fn is_behind_volume(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b"..")
}

/// Whether a walk reads a file of this name.
pub fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml" | "json"))
}
