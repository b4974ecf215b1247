//! A story's own copy of a folder of manifests, moved to its namespace, like a team's files in git.

use std::path::{Path, PathBuf};

use crate::command::Run;
use crate::world::World;

pub struct Folder<'w> {
    world: &'w World<'w>,
    path: PathBuf,
}

impl<'w> Folder<'w> {
    /// The namespace of the story replaces that of the objects, also in hosts and in names of gateways.
    pub fn copy(world: &'w World<'w>, from: &str) -> Self {
        let path = world.bed.layout.logs.join(&world.namespace).join(from);
        copy(&world.bed.layout.root.join(from), &path, &world.namespace);
        Self { world, path }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }

    pub fn text(&self, file: &str) -> String {
        let path = self.path(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Changes a file like a commit does; the old text must exist.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> &Self {
        let text = self.text(file);
        assert!(text.contains(from), "{file} has no `{from}`:\n{text}");
        self.write(file, &text.replace(from, to))
    }

    pub fn write(&self, file: &str, text: &str) -> &Self {
        std::fs::write(self.path(file), text).expect("the copy can be written");
        self
    }

    /// `kubectl apply -f` of the whole folder.
    pub fn apply(&self) -> Run {
        self.world.kubectl("apply -f").arg(&self.path)
    }

    /// `kubectl apply -f` of one file.
    pub fn apply_file(&self, file: &str) -> Run {
        self.kubectl("apply", file)
    }

    /// `kubectl VERB -f` of one file: `replace`, `delete`, `apply --server-side --force-conflicts`.
    pub fn kubectl(&self, verb: &str, file: &str) -> Run {
        self.world
            .kubectl(&format!("{verb} -f"))
            .arg(self.path(file))
    }
}

fn copy(from: &Path, to: &Path, namespace: &str) {
    std::fs::create_dir_all(to).expect("the log folder can be written");
    let files = std::fs::read_dir(from);
    for file in files
        .unwrap_or_else(|error| panic!("{}: {error}", from.display()))
        .flatten()
    {
        let (source, target) = (file.path(), to.join(file.file_name()));
        if source.is_dir() {
            copy(&source, &target, namespace);
        } else {
            let text = std::fs::read_to_string(source).expect("a manifest is text");
            std::fs::write(target, moved(&text, namespace)).expect("the copy can be written");
        }
    }
}

/// The manifest, moved to another namespace.
fn moved(text: &str, namespace: &str) -> String {
    let named = text
        .lines()
        .find_map(|line| line.strip_prefix("  namespace: "));
    let Some(named) = named else {
        return text.to_owned();
    };
    text.replace(
        &format!("namespace: {named}\n"),
        &format!("namespace: {namespace}\n"),
    )
    .replace(&format!(".{named}.svc"), &format!(".{namespace}.svc"))
    .replace(
        &format!("- {named}/mygateway"),
        &format!("- {namespace}/mygateway"),
    )
    // Two flows with one public host would be reported (RG213), which the stories do not test.
    .replace("uk.bookinfo7.com", &format!("{namespace}.bookinfo7.com"))
}
