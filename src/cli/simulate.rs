//! `simulate`: plays a Rollout's steps on manifests.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::error::Error;
use super::stored;
use super::terminal::{print_error, print_text};
use super::tree_options::{Output, find};
use crate::cluster::{Cluster, Flow, View};
use crate::controller::World;
use crate::files::settings::SettingsOptions;
use crate::model::{Key, Kind};
use crate::simulate::{Request, nodes, play};
use crate::tree::render;

/// Play a Rollout's steps: weights, inserted routes, which pods a request reaches, and where it gets a 503
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// YAML or JSON files, folders (read recursively), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The Rollout, `app` or `namespace/app` [default: the only one with a canary]
    #[arg(short, long, value_name = "NAME")]
    rollout: Option<String>,
    /// A header of the request whose way is shown, `x-canary: true`; may be repeated
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Path of the request
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// Method of the request
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    method: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    pub(super) settings: SettingsOptions,
}

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let (settings, manifests) = options.settings.read(&options.paths)?;
    let cluster = stored::cluster(&manifests, &settings, settings.mesh.clone());
    let rollout = options.rollout(&cluster)?;
    let documents = manifests.by_key().into_iter();
    let world = World {
        objects: documents
            .map(|(key, document)| (key.clone(), manifests.value(document)))
            .collect(),
        mesh: settings.mesh.clone(),
    };
    let services = virtual_services(&cluster, &rollout);
    let requests = options.requests(&cluster, &rollout, &services);
    let stages = play(&world, &rollout);
    let shown = nodes(&stages, &services, &requests);
    print_text(&render(&shown, options.output.format()));
    if services.is_empty() {
        print_error(
            "note: the Rollout names no VirtualService: its weights move pods, not traffic",
        );
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn rollout(&self, cluster: &Cluster) -> Result<Key, Error> {
        if let Some(name) = &self.rollout {
            return find(
                &format!("rollout/{name}"),
                cluster,
                self.settings.namespace(),
            );
        }
        let view = View::of(cluster);
        let rollouts = cluster.keys().filter(|key| key.kind == Kind::Rollout);
        let mut canaries: Vec<&Key> = rollouts
            .filter(|key| {
                view.rollout(key)
                    .is_some_and(|rollout| rollout.canary.is_some())
            })
            .collect();
        canaries.sort();
        match canaries.as_slice() {
            [] => Err(Error::NoCanary),
            [only] => Ok((*only).clone()),
            several => {
                let names: Vec<String> = several.iter().map(|key| key.full_name()).collect();
                Err(Error::ChooseRollout {
                    known: crate::text::first_of(&names, 12),
                })
            }
        }
    }

    /// The request of the flags, and for each setHeaderRoute with an exact value one that it takes.
    fn requests(&self, cluster: &Cluster, rollout: &Key, services: &[Key]) -> Vec<Request> {
        let view = View::of(cluster);
        let host = services.first().and_then(|key| view.virtual_service(key));
        let host = host.and_then(|service| service.body.hosts.first());
        let mut request = Request::to(host.map_or("", String::as_str));
        request.path.clone_from(&self.path);
        request.method.clone_from(&self.method);
        for (name, value) in &self.header {
            request = request.with(name, value);
        }
        let mut requests = vec![request.clone()];
        let steps = view.rollout(rollout).map(|rollout| rollout.body.steps());
        for (_, step) in steps.into_iter().flatten() {
            for (name, value) in step.header_examples() {
                let like = request.clone().with(name, value);
                if !requests.contains(&like) {
                    requests.push(like);
                }
            }
        }
        requests
    }
}

/// The VirtualServices that the Rollout names, which need not exist.
fn virtual_services(cluster: &Cluster, rollout: &Key) -> Vec<Key> {
    let view = View::of(cluster);
    let flow = view.rollout(rollout).map(|rollout| Flow::of(rollout, view));
    let links = flow.iter().flat_map(Flow::virtual_service_links);
    links.map(|link| link.key).collect()
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard simulate manifests/
  rollout-guard simulate manifests/ -r shop/app -H 'x-canary: true'
  rollout-guard simulate manifests/ -o html > release.html";
