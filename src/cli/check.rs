//! `check`: manifests as a cluster, judged as they stand. There is no "before": every error counts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::manifests::{Document, Manifests};
use super::report::{self, Report, Reported};
use super::settings::SettingsOptions;
use super::{stored, tell};
use crate::admit::audit;
use crate::cluster::View;
use crate::model::Key;
use crate::settings::{Profile, Settings};
use crate::verdict::Finding;

/// Judge manifests: files, folders or `-`, taken as the cluster
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// YAML or JSON files, folders (read recursively), or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the findings are written
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
    /// The manifests are the whole cluster: what is missing is an error
    #[arg(long)]
    complete: bool,
    #[command(flatten)]
    settings: SettingsOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Human,
    Json,
}

pub fn run(options: &Options) -> Result<ExitCode, String> {
    let (settings, manifests) = options.settings.read(&options.paths)?;
    let report = check(&manifests, &settings, options.complete);
    match options.output {
        Output::Human => report::human::print(&report),
        Output::Json => report::json::print(&report),
    }
    if report.objects == 0 {
        tell("note: there is no object of a kind that the rules know");
    }
    Ok(ExitCode::from(u8::from(report.errors() > 0)))
}

/// What is wrong with the manifests, each finding with its place.
pub fn check<'a>(manifests: &'a Manifests, settings: &Settings, complete: bool) -> Report<'a> {
    let mut mesh = settings.mesh.clone();
    mesh.complete = complete || settings.profile == Profile::Strict;
    let cluster = stored::cluster(manifests, settings, mesh);
    let view = View::of(&cluster);
    let documents = manifests.by_key();
    let findings = audit(&view, documents.keys().copied(), settings).into_iter();
    let reported = findings.map(|finding| place(finding, manifests, &documents));
    let mut findings: Vec<Reported> = reported.collect();
    findings.sort_by_key(|reported| (reported.file_index, reported.span.start.byte));
    Report {
        findings,
        duplicates: manifests.duplicates(),
        manifests,
        objects: documents.len(),
    }
}

fn place<'a>(
    finding: Finding,
    manifests: &'a Manifests,
    documents: &HashMap<&Key, &'a Document>,
) -> Reported<'a> {
    let document = documents.get(&finding.object).copied();
    let located = document.map(|document| document.node.locate(&finding.path));
    Reported {
        file: document.and_then(|document| manifests.file(document)),
        file_index: document.map_or(usize::MAX, |document| document.file),
        span: located.map(|located| located.span).unwrap_or_default(),
        finding,
    }
}
