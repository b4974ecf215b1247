//! `check`: judges the objects of manifests or of a live cluster. There is no write: every error counts.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::error::Error;
#[cfg(feature = "serve")]
use super::live_report::live_report;
use super::report::{self, Duplicates, Report, Reported};
use super::stored;
use super::terminal::print_error;
use super::unknown::{Unknown, placeholder_notes};
use crate::cluster::{Mesh, View};
use crate::decide::audit;
use crate::files::manifests::{Document, Manifests};
#[cfg(feature = "serve")]
use crate::files::settings::InputError;
use crate::files::settings::SettingsOptions;
#[cfg(feature = "serve")]
use crate::live;
use crate::model::Key;
use crate::settings::{Profile, Settings};
use crate::verdict::Finding;

/// Judge the objects of manifests, or of a live cluster
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// YAML or JSON files, folders (read recursively), or `-` for standard input
    #[arg(value_name = "PATH")]
    #[cfg_attr(feature = "serve", arg(required_unless_present = "cluster"))]
    #[cfg_attr(not(feature = "serve"), arg(required = true))]
    paths: Vec<PathBuf>,
    /// Judge the objects of a live cluster, as the audit of `serve` does
    #[cfg(feature = "serve")]
    #[arg(long, conflicts_with = "paths")]
    cluster: bool,
    /// Kubeconfig of the cluster [default: $KUBECONFIG, else ~/.kube/config, else the cluster that this runs in]
    #[cfg(feature = "serve")]
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,
    /// Format of the findings
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
    /// The manifests contain all objects of the cluster: a missing object is an error
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

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    #[cfg(feature = "serve")]
    if options.cluster {
        let settings = options.settings.settings().map_err(InputError::from)?;
        let mesh = Mesh {
            complete: options.complete,
            ..settings.mesh.clone()
        };
        let cluster = live::read_once(options.kubeconfig.as_deref(), mesh)?;
        let namespace = options.settings.namespace.as_deref();
        return Ok(print(
            &live_report(&cluster, &settings, namespace),
            options.output,
        ));
    }
    let (settings, manifests) = options.settings.collect(&options.paths)?;
    let report = check(&manifests, &settings, options.complete);
    Ok(print(&report, options.output))
}

fn print(report: &Report<'_>, output: Output) -> ExitCode {
    match output {
        Output::Human => report::human::print(report),
        Output::Json => report::json::print(report),
    }
    let unreadable = report.manifests.map(|manifests| &manifests.unreadable);
    for error in unreadable.into_iter().flatten() {
        print_error(format_args!("error: {error}"));
    }
    for note in &report.notes {
        print_error(format_args!("note: {note}"));
    }
    if report.objects == 0 && !report.is_partial() {
        print_error("note: there is no object of a kind that rules read");
    }
    match report.errors() {
        _ if report.is_partial() => ExitCode::from(2),
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Judges the manifests, and locates each finding in its file.
pub fn check<'a>(manifests: &'a Manifests, settings: &Settings, complete: bool) -> Report<'a> {
    let complete = complete || settings.profile == Profile::Strict;
    let mesh = Mesh {
        // What is missing may be in a file that cannot be used.
        complete: complete && manifests.unreadable.is_empty(),
        ..settings.mesh.clone()
    };
    let cluster = stored::cluster(manifests, settings, mesh);
    let view = View::of(&cluster);
    let documents = manifests.by_key();
    let duplicates = manifests.duplicates();
    let unknown = Unknown::new(&documents, &duplicates);
    let findings = audit(&view, documents.keys().copied(), settings).into_iter();
    let findings = findings.filter_map(|finding| unknown.weigh(finding));
    let reported = findings.map(|finding| locate(finding, manifests, &documents));
    let mut findings: Vec<Reported> = reported.collect();
    findings.sort_by_key(|reported| (reported.file_index, reported.span.start.byte));
    Report {
        findings,
        duplicates: Duplicates::of(&duplicates),
        notes: [manifests.notes.clone(), placeholder_notes(manifests)].concat(),
        manifests: Some(manifests),
        objects: documents.len(),
    }
}

fn locate<'a>(
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
