//! `check`: judges the objects of manifests or of a live cluster. There is no write: every error counts.

use std::collections::HashMap;
#[cfg(feature = "serve")]
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::Builder;

use clap::{Args, ValueEnum};

use super::baseline::Baseline;
use super::error::Error;
use super::inputs::Inputs;
#[cfg(feature = "serve")]
use super::live_report::live_report;
use super::progress::Progress;
use super::report::{self, Duplicates, Report, Reported, repeated_keys};
use super::selection::Selection;
use super::stored;
use super::terminal::{print_error, print_line, print_text};
use super::unknown::{Unknown, placeholder_notes};
use crate::cluster::Mesh;
use crate::decide::audit;
use crate::files::manifests::{Document, Manifests, Trees};
use crate::files::settings::{InputError, SettingsOptions};
#[cfg(feature = "serve")]
use crate::live;
use crate::model::Key;
use crate::settings::{Profile, Settings};
use crate::verdict::Finding;

/// Judge the objects of manifests, of charts and overlays, or of a live cluster
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, mut_arg("namespace", |namespace| namespace.help(NAMESPACE)))]
pub struct Options {
    #[command(flatten)]
    inputs: Inputs,
    /// Judge the objects of a live cluster, as the audit of `serve` does
    #[cfg(feature = "serve")]
    #[arg(long, help_heading = "Input", conflicts_with_all = ["paths", "helm", "kustomize", "diff_base"])]
    cluster: bool,
    /// Kubeconfig of the cluster [default: $KUBECONFIG, else ~/.kube/config, else the cluster that this runs in]
    #[cfg(feature = "serve")]
    #[arg(
        long,
        help_heading = "Input",
        value_name = "FILE",
        requires = "cluster"
    )]
    kubeconfig: Option<PathBuf>,
    /// Report only findings that the inputs did not have in this git revision
    #[arg(long, help_heading = "Input", value_name = "REV")]
    diff_base: Option<String>,
    /// The manifests contain all objects of the cluster: a missing object is an error
    #[arg(long, help_heading = "Input")]
    complete: bool,
    #[command(flatten)]
    selection: Selection,
    /// Format of the findings
    #[arg(short, long, help_heading = "Output", value_enum, default_value_t = Output::Human)]
    output: Output,
    /// Count the findings of each rule instead (with `--output human` or `json`)
    #[arg(long, help_heading = "Output")]
    statistics: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// For people: the line, what is wrong, and what to do
    Human,
    /// An object with all findings and a summary
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit XML, a test case for each object
    Junit,
}

const NAMESPACE: &str = "Namespace of objects without one [default: default]; with `--cluster`, the only namespace to judge";

const EXAMPLES: &str = "\
Examples:
  rollout-guard check manifests/                         the files that you apply
  rollout-guard check --complete manifests/              they are all there is: what is missing is an error
  rollout-guard check --helm charts/shop -f prod.yaml    what helm renders
  rollout-guard check --kustomize overlays/prod          what kustomize renders
  helm template shop charts/shop | rollout-guard check - the same by a pipe
  rollout-guard check --diff-base origin/main manifests/ only what this branch breaks
  rollout-guard check --select RG5 --ignore RG503 .      some rules
  rollout-guard check -o sarif . > findings.sarif        for code scanning
  rollout-guard check --cluster -n shop                  what a cluster stores

Exit codes: 0 no error, 1 errors, 2 some input or an option cannot be used";

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    options.selection.check()?;
    let settings = options.settings.discover().map_err(InputError::from)?;
    #[cfg(feature = "serve")]
    if options.cluster {
        let mesh = Mesh {
            complete: options.complete,
            ..settings.mesh.clone()
        };
        let cluster = live::read_once(options.kubeconfig.as_deref(), mesh)?;
        let namespace = options.settings.namespace.as_deref();
        return Ok(options.print(live_report(&cluster, &settings, namespace)));
    }
    let progress = Progress::start("reading");
    let namespace = options.settings.namespace();
    let manifests = options.inputs.collect(namespace);
    progress.now(format!("judging {} objects", manifests.documents.len()));
    let mut report = check(&manifests, &settings, options.complete);
    if let Some(revision) = &options.diff_base {
        progress.now(format!("judging {revision}"));
        let base = Baseline::of(&options.inputs, revision, namespace, |manifests| {
            check(manifests, &settings, options.complete)
        })?;
        base.subtract_from(&mut report);
    }
    drop(progress);
    let code = options.print(report);
    // The process ends, and its memory with it: freeing each object first takes a while.
    std::mem::forget(manifests);
    Ok(code)
}

impl Options {
    fn print(&self, mut report: Report<'_>) -> ExitCode {
        report::retain(&mut report, |entry| self.selection.includes(entry));
        match self.output {
            Output::Human if self.statistics => print_text(&report::statistics::text(&report)),
            Output::Json if self.statistics => print_line(report::statistics::json(&report)),
            // Of nothing there is nothing to sum up, and why is told below.
            Output::Human if report.objects == 0 && report.is_partial() => {}
            Output::Human => report::human::print(&report),
            Output::Json => print_line(report::json::render(&report)),
            Output::Sarif => print_line(report::sarif::render(&report)),
            Output::Github => print_text(&report::github::render(&report)),
            Output::Gitlab => print_line(report::gitlab::render(&report)),
            Output::Junit => print_text(&report::junit::render(&report)),
        }
        for error in report.unreadable() {
            print_error(format_args!("error: {error}"));
        }
        for note in &report.notes {
            print_error(format_args!("note: {note}"));
        }
        if report.objects == 0 && !report.is_partial() {
            print_error(format_args!("note: {}", report.why_empty()));
        }
        match report.errors() {
            _ if report.is_partial() => ExitCode::from(2),
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
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
    let documents = manifests.by_key();
    let duplicates = manifests.duplicates();
    let unknown = Unknown::new(&documents, &duplicates);
    let findings = audit(&cluster, documents.keys().copied(), settings).into_iter();
    let findings = findings.filter_map(|finding| unknown.weigh(finding));
    let mut findings = locate_all(findings, manifests, &documents);
    findings.sort_by_key(|reported| (reported.file_index, reported.span.start.byte));
    // Freeing a large cluster takes a while, for which nobody waits.
    let _ = Builder::new().spawn(move || drop(cluster));
    Report {
        findings,
        duplicates: Duplicates::of(&duplicates),
        repeated_keys: repeated_keys(manifests),
        notes: [manifests.notes.clone(), placeholder_notes(manifests)].concat(),
        manifests: Some(manifests),
        objects: documents.len(),
    }
}

/// File by file, so that each YAML document is parsed again at most once.
fn locate_all<'a>(
    findings: impl Iterator<Item = Finding>,
    manifests: &'a Manifests,
    documents: &HashMap<&Key, &'a Document>,
) -> Vec<Reported<'a>> {
    let of = |finding: &Finding| documents.get(&finding.object).copied();
    let mut placed: Vec<_> = findings.map(|finding| (of(&finding), finding)).collect();
    placed.sort_by_key(|(document, _)| {
        document.map(|document| (document.file, document.span.start.byte))
    });
    let mut trees = manifests.trees();
    let placed = placed.into_iter();
    placed
        .map(|(document, finding)| locate(finding, document, manifests, &mut trees))
        .collect()
}

fn locate<'a>(
    finding: Finding,
    document: Option<&'a Document>,
    manifests: &'a Manifests,
    trees: &mut Trees<'_>,
) -> Reported<'a> {
    let tree = document.and_then(|document| trees.of(document));
    let located = tree.map(|tree| tree.locate(&finding.path));
    Reported {
        file: document.and_then(|document| manifests.file(document)),
        file_index: document.map_or(usize::MAX, |document| document.file),
        span: located.map(|located| located.span).unwrap_or_default(),
        finding,
    }
}
