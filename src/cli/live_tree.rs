//! `tree` of a live cluster: once, or again whenever something changes.

use std::process::ExitCode;
use std::time::Duration;

use super::error::Error;
use super::terminal::print_text;
use super::tree_options::Options;
use crate::cluster::Cluster;
use crate::files::settings::InputError;
use crate::live::Viewer;
use crate::model::Object;
use crate::settings::Settings;
use crate::tree::{Details, Node, Selection, objects, tree};

pub(super) fn run(options: &Options) -> Result<ExitCode, Error> {
    let settings = options.settings().discover().map_err(InputError::from)?;
    let viewer = Viewer::connect(options.kubeconfig()).map_err(Error::NoClusterToShow)?;
    let cluster = viewer.list(settings.mesh.clone())?;
    let namespace = options.settings().namespace.as_deref();
    let namespace = namespace.unwrap_or(viewer.namespace());
    let shown = (!options.all_namespaces()).then(|| namespace.to_owned());
    let selection = options.selection(&cluster, shown, namespace)?;
    let nodes = nodes(&viewer, &cluster, &selection, &settings)?;
    if !options.watches() {
        return Ok(options.print(&nodes));
    }
    let watched = viewer.watch(settings.mesh.clone());
    let mut drawn = Vec::new();
    loop {
        let now = self::nodes(&viewer, &watched.load(), &selection, &settings)?;
        if now != drawn {
            print_text(CLEAR);
            options.print(&now);
            drawn = now;
        }
        std::thread::sleep(REDRAW_INTERVAL);
    }
}

/// The trees, with the fields that no rule reads.
fn nodes(
    viewer: &Viewer,
    cluster: &Cluster,
    selection: &Selection,
    settings: &Settings,
) -> Result<Vec<Node>, Error> {
    let bare = tree(cluster, &Details::default(), selection, settings);
    let whole = viewer.whole(objects(&bare, cluster));
    let whole = whole.map_err(Error::Objects)?.into_iter();
    let keyed = whole.filter_map(|value| Some((Object::parse(&value, "")?.key().clone(), value)));
    let details = Details::new(keyed);
    Ok(tree(cluster, &details, selection, settings))
}

/// Clears the screen and moves the cursor to its first line.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
const REDRAW_INTERVAL: Duration = Duration::from_millis(500);
