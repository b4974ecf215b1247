//! `tree`: shows flows from manifests or from a cluster.

use std::process::ExitCode;

use super::error::Error;
use super::stored;
pub use super::tree_options::Options;
use crate::tree::{Details, tree};

pub fn run(options: Options) -> Result<ExitCode, Error> {
    let options = options.sorted()?;
    #[cfg(feature = "serve")]
    if options.filename.is_empty() {
        return super::live_tree::run(&options);
    }
    let (settings, manifests) = options.settings().read(&options.filename)?;
    let mesh = settings.mesh.clone();
    let cluster = stored::cluster(&manifests, &settings, mesh);
    let documents = manifests.by_key().into_iter();
    let whole = documents.map(|(key, document)| (key.clone(), manifests.value(document)));
    let details = Details::new(whole);
    // Manifests are shown whole: their folder is the choice.
    let namespace = options.settings().namespace.clone();
    let namespace = namespace.filter(|_| !options.all_namespaces());
    let default = namespace.as_deref().unwrap_or("default");
    let selection = options.selection(&cluster, namespace.clone(), default)?;
    let nodes = tree(&cluster, &details, &selection, &settings);
    Ok(options.print(&nodes))
}
