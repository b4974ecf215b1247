//! `review`: answers recorded AdmissionReviews with the same bytes as the server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::error::Error;
use crate::cluster::Cluster;
use crate::decide::decide;
use crate::files::settings::SettingsOptions;
use crate::request::Phase;
use crate::review;
use crate::settings::Settings;

/// Answer recorded AdmissionReviews as `serve` does
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// AdmissionReviews (JSON) as the API server sends them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Files or folders with the objects of the cluster before the write
    #[arg(long, value_name = "PATH")]
    manifests: Vec<PathBuf>,
    /// Answer as the endpoint /mutate
    #[arg(long)]
    mutate: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOptions,
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard review review.json --manifests manifests/    a review that `serve --record` wrote
  rollout-guard review review.json | jq .response.status

Exit codes: 0 allowed, 1 denied, 2 some input or an option cannot be used";

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let (settings, manifests) = options.settings.read(&options.manifests)?;
    let cluster = manifests.cluster(settings.mesh.clone());
    let phase = if options.mutate {
        Phase::Mutate
    } else {
        Phase::MutateThenValidate
    };
    let mut denied = false;
    for file in &options.files {
        denied |= answer(file, phase, &cluster, &settings)?;
    }
    Ok(ExitCode::from(u8::from(denied)))
}

/// Prints the answer to one review. Returns whether it denies.
fn answer(
    file: &Path,
    phase: Phase,
    cluster: &Cluster,
    settings: &Settings,
) -> Result<bool, Error> {
    let body = std::fs::read(file).map_err(Error::of_file(file))?;
    let request = review::parse(&body, phase).map_err(|source| Error::Review {
        file: file.to_owned(),
        source,
    })?;
    let decision = decide(request, cluster, settings);
    let answer = review::render(&decision).map_err(|source| Error::Answer {
        file: file.to_owned(),
        source,
    })?;
    let mut out = std::io::stdout().lock();
    out.write_all(&answer).map_err(Error::of_file(file))?;
    Ok(decision.is_denied())
}
