//! What `check` judges: manifests, and what the user's own tools render of charts and overlays.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::files::manifests::Manifests;
use crate::files::render;
use crate::files::revision::{Revision, RevisionError};

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Input")]
pub struct Inputs {
    /// YAML or JSON files, folders (read recursively), or `-` for standard input
    #[arg(value_name = "PATH", required_unless_present_any = ALTERNATIVES)]
    #[arg(help_heading = None::<&str>)]
    pub paths: Vec<PathBuf>,
    /// Charts (folders, archives or references) to judge as `helm template` renders them
    #[arg(long, value_name = "CHART")]
    helm: Vec<PathBuf>,
    /// Values for the charts of `--helm`, as for `helm --values`
    #[arg(short = 'f', long, value_name = "FILE", requires = "helm")]
    values: Vec<PathBuf>,
    /// Folders to judge as `kustomize build` (or `kubectl kustomize`) renders them
    #[arg(long, value_name = "DIR")]
    kustomize: Vec<PathBuf>,
}

#[cfg(feature = "serve")]
const ALTERNATIVES: [&str; 3] = ["helm", "kustomize", "cluster"];
#[cfg(not(feature = "serve"))]
const ALTERNATIVES: [&str; 2] = ["helm", "kustomize"];

impl Inputs {
    /// What can be used of it.
    pub fn collect(&self, namespace: &str) -> Manifests {
        let mut manifests = Manifests::collect(&self.paths, namespace);
        for chart in &self.helm {
            let rendered = render::helm(chart, &self.values, namespace);
            manifests.add_rendered(rendered, namespace);
        }
        for folder in &self.kustomize {
            manifests.add_rendered(render::kustomize(folder), namespace);
        }
        manifests
    }

    /// The git revision, and what there was of these inputs in it. A chart that is no folder has no revisions.
    pub fn at(&self, revision: &str) -> Result<(Revision, Self), RevisionError> {
        let charts = self.helm.iter().filter(|chart| chart.exists());
        let local = [&self.paths, &self.values, &self.kustomize].into_iter();
        let local: Vec<PathBuf> = local.flatten().chain(charts).cloned().collect();
        // A chart and an overlay read files beside them.
        let is_rendered = !self.helm.is_empty() || !self.kustomize.is_empty();
        let exported = Revision::export(revision, &local, is_rendered)?;
        let at = |paths: &[PathBuf]| -> Vec<PathBuf> {
            let paths = paths.iter();
            paths.filter_map(|path| exported.path(path)).collect()
        };
        let chart_at = |chart: &PathBuf| {
            if chart.exists() {
                exported.path(chart)
            } else {
                Some(chart.clone())
            }
        };
        let inputs = Self {
            paths: at(&self.paths),
            helm: self.helm.iter().filter_map(chart_at).collect(),
            values: at(&self.values),
            kustomize: at(&self.kustomize),
        };
        Ok((exported, inputs))
    }

    pub fn reads_stdin(&self) -> bool {
        self.paths.iter().any(|path| path == Path::new("-"))
    }
}
