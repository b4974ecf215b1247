//! Charts and overlays, as the user's own `helm template` and `kustomize build` render them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::error::{Error, Fault};

/// What a tool rendered from one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The template or manifest, where the tool names it; otherwise the chart, or the kustomization.
    pub path: PathBuf,
    pub text: String,
}

/// What `helm template` prints for the chart: a folder, an archive, or a reference such as `oci://…`.
pub fn helm(chart: &Path, values: &[PathBuf], namespace: &str) -> Result<Vec<Rendered>, Error> {
    let mut command = Command::new("helm");
    command.arg("template").args(["--namespace", namespace]);
    for file in values {
        command.arg("--values").arg(file);
    }
    // Nothing after `--` is an option.
    command.arg("--").arg(chart);
    let text = output(&mut command, "helm").map_err(|fault| Error::of(chart, fault))?;
    let path_of = |document: &str| {
        let source = comment(document, "# Source: ")?;
        // The first segment is the chart's own name, which its folder need not have.
        let inside = source.split_once('/').map_or(source, |(_, inside)| inside);
        Some(if chart.is_dir() {
            chart.join(inside)
        } else {
            PathBuf::from(source)
        })
    };
    Ok(by_path(&text, chart, path_of))
}

/// What `kustomize build`, or `kubectl kustomize` without it, prints for the folder.
pub fn kustomize(folder: &Path) -> Result<Vec<Rendered>, Error> {
    let text = output(
        Command::new("kustomize").arg("build").arg(folder),
        "kustomize",
    );
    let text = match text {
        Err(Fault::NoTool { .. }) => output(
            Command::new("kubectl").arg("kustomize").arg(folder),
            "kustomize (or kubectl)",
        ),
        other => other,
    };
    let text = text.map_err(|fault| Error::of(folder, fault))?;
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let mut files = names.iter().map(|name| folder.join(name));
    let own = files.find(|file| file.is_file());
    // `buildMetadata: [originAnnotations]` in the kustomization makes kustomize name each object's file.
    let path_of = |document: &str| {
        let (_, origin) = document.split_once("config.kubernetes.io/origin: |")?;
        Some(folder.join(comment(origin, "path: ")?))
    };
    Ok(by_path(&text, own.as_deref().unwrap_or(folder), path_of))
}

fn output(command: &mut Command, tool: &'static str) -> Result<String, Fault> {
    let output = match command.output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Fault::NoTool { tool });
        }
        output => output?,
    };
    let Output { status, .. } = output;
    if status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
    Err(Fault::Render {
        command: words.join(" "),
        reason: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The rest of the first line that begins with the prefix.
fn comment<'a>(document: &'a str, prefix: &str) -> Option<&'a str> {
    let mut lines = document.lines();
    lines.find_map(|line| line.trim_start().strip_prefix(prefix))
}

/// The documents, those of one file together, in the order in which the tool printed the first of each.
fn by_path(
    text: &str,
    fallback: &Path,
    path_of: impl Fn(&str) -> Option<PathBuf>,
) -> Vec<Rendered> {
    let mut files: Vec<Rendered> = Vec::new();
    for document in documents(text) {
        let path = path_of(&document).unwrap_or_else(|| fallback.to_owned());
        match files.iter_mut().find(|file| file.path == path) {
            Some(file) => {
                file.text += "---\n";
                file.text += &document;
            }
            None => files.push(Rendered {
                path,
                text: document,
            }),
        }
    }
    files
}

/// The YAML documents of a text. A line `---` ends a block scalar too, so that it separates wherever it stands.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(last) = documents.last_mut() {
            last.push_str(line);
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}
