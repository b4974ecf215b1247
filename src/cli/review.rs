//! `review`: recorded AdmissionReviews answered as the server would, byte for byte.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::manifests::Manifests;
use super::settings::SettingsOptions;
use super::unusable;
use crate::cluster::Cluster;
use crate::review::{self, Endpoint};
use crate::settings::Settings;

/// Answer recorded AdmissionReviews as the server would
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// AdmissionReviews as the API server sends them (JSON)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The cluster as it stands before the write: files or folders
    #[arg(long, value_name = "PATH")]
    manifests: Vec<PathBuf>,
    /// Answer as the mutating endpoint
    #[arg(long)]
    mutate: bool,
    #[command(flatten)]
    settings: SettingsOptions,
}

pub fn run(options: &Options) -> ExitCode {
    let settings = match options.settings.settings() {
        Ok(settings) => settings,
        Err(message) => return unusable(message),
    };
    let manifests = match Manifests::read(&options.manifests, &options.settings.namespace) {
        Ok(manifests) => manifests,
        Err(error) => return unusable(error),
    };
    let cluster = manifests.cluster(settings.mesh.clone());
    let endpoint = if options.mutate {
        Endpoint::Mutate
    } else {
        Endpoint::MutateThenValidate
    };
    let mut denied = false;
    for file in &options.files {
        match answer(file, endpoint, &cluster, &settings) {
            Ok(this) => denied |= this,
            Err(message) => return unusable(format!("{}: {message}", file.display())),
        }
    }
    ExitCode::from(u8::from(denied))
}

/// Prints the answer to one file; whether it denies.
fn answer(
    file: &Path,
    endpoint: Endpoint,
    cluster: &Cluster,
    settings: &Settings,
) -> Result<bool, String> {
    let body = std::fs::read(file).map_err(|error| error.to_string())?;
    let answer = review::answer(&body, endpoint, cluster, settings);
    let answer = answer.map_err(|error| error.to_string())?;
    let mut out = std::io::stdout().lock();
    out.write_all(&answer.body)
        .map_err(|error| error.to_string())?;
    Ok(answer.outcome.verdict.is_denied())
}
