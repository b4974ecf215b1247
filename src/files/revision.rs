//! The files of a git revision, in a temporary folder: git's own `checkout-index` with an index of its own, so that
//! neither the work tree nor the index of the repository is touched.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("git cannot be run: {0}")]
    Run(#[from] io::Error),
    #[error("git: {0}")]
    Git(String),
    #[error("{} is not in the git repository {}", path.display(), top.display())]
    Outside { path: PathBuf, top: PathBuf },
}

/// The exported files, until it is dropped.
#[derive(Debug)]
pub struct Revision {
    folder: TempDir,
    /// The repository's work tree, without links.
    top: PathBuf,
}

/// What says how the files beside it are to be read.
const SURROUNDINGS: [&str; 4] = [
    ":(top,glob)**/kustomization.yaml",
    ":(top,glob)**/kustomization.yml",
    ":(top,glob)**/Kustomization",
    ":(top,glob)**/Chart.yaml",
];

impl Revision {
    /// Exports what the paths were in the revision; everything if a tool reads files beside them.
    pub fn export(revision: &str, paths: &[PathBuf], whole: bool) -> Result<Self, RevisionError> {
        let commit = format!("{revision}^{{commit}}");
        let verify = ["rev-parse", "--verify", "--end-of-options", &commit];
        let commit = git(None, verify.map(OsStr::new), Stdio::null())?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        let top = git(
            None,
            ["rev-parse", "--show-toplevel"].map(OsStr::new),
            Stdio::null(),
        )?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end());
        let exported = Self {
            folder: tempfile::tempdir()?,
            top,
        };
        let mut pathspecs: Vec<OsString> = SURROUNDINGS.iter().map(OsString::from).collect();
        for path in paths {
            let mut pathspec = OsString::from(":(top,literal)");
            pathspec.push(exported.inside(path)?);
            pathspecs.push(pathspec);
        }
        if whole {
            pathspecs = vec![":(top)".into()];
        }
        exported.checkout(&commit, &pathspecs)?;
        Ok(exported)
    }

    /// Where the path of the work tree is exported; `None` if the revision does not have it.
    pub fn path(&self, path: &Path) -> Option<PathBuf> {
        let exported = self.files().join(self.inside(path).ok()?);
        exported.exists().then_some(exported)
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// The path in the repository.
    fn inside(&self, path: &Path) -> Result<PathBuf, RevisionError> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let inside = real.strip_prefix(&self.top).map(Path::to_owned);
        inside.map_err(|_| RevisionError::Outside {
            path: path.to_owned(),
            top: self.top.clone(),
        })
    }

    fn checkout(&self, commit: &str, pathspecs: &[OsString]) -> Result<(), RevisionError> {
        let index = self.folder.path().join("index");
        let index = Some(index.as_path());
        git(index, ["read-tree", commit].map(OsStr::new), Stdio::null())?;
        let list = ["ls-files", "-z", "--full-name", "--"].map(OsStr::new);
        let list = list
            .into_iter()
            .chain(pathspecs.iter().map(OsString::as_os_str));
        let names = self.folder.path().join("names");
        fs::write(&names, git(index, list, Stdio::null())?)?;
        let mut prefix = OsString::from("--prefix=");
        // The slash at the end makes it a folder.
        prefix.push(self.files().join(""));
        let top = self.top.as_os_str();
        let checkout = [
            OsStr::new("-C"),
            top,
            OsStr::new("checkout-index"),
            OsStr::new("-z"),
            OsStr::new("--stdin"),
            &prefix,
        ];
        git(index, checkout, File::open(names)?.into())?;
        Ok(())
    }
}

/// Runs git, perhaps with an index of its own, and returns what it prints.
fn git<'a>(
    index: Option<&Path>,
    arguments: impl IntoIterator<Item = &'a OsStr>,
    input: Stdio,
) -> Result<Vec<u8>, RevisionError> {
    let mut command = Command::new("git");
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let output = command.args(arguments).stdin(input).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    let reason = reason.trim().trim_start_matches("fatal: ");
    Err(RevisionError::Git(reason.to_owned()))
}
