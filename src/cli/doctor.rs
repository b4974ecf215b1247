//! `doctor`: looks at a cluster and prints a line for each fact.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::error::Error;
use super::terminal::print_text;
use crate::doctor::{Fact, Level, examine};
use crate::files::settings::{InputError, SettingsOptions};
use crate::text::printable;

/// Look at a cluster: whether what rollout-guard assumes of it is so, and whether its webhook is reached
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Settings file (YAML) to compare the cluster with [default: the settings of the installed rollout-guard]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Guarded namespace to which an invalid Rollout is sent, as a dry run [default: `default`, or the first guarded one]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Kubeconfig of the cluster [default: $KUBECONFIG, else ~/.kube/config, else the cluster that this runs in]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Format of the facts
    #[arg(short, long, value_enum, default_value_t = Output::Human)]
    output: Output,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Human,
    Json,
}

/// The JSON object. Its fields are an interface of the product.
#[derive(Serialize)]
struct Document<'a> {
    facts: &'a [Fact],
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    unknown: usize,
}

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let settings = options.config.clone().map(|file| {
        let options = SettingsOptions {
            config: Some(file),
            profile: None,
            namespace: None,
        };
        options.settings().map_err(InputError::from)
    });
    let settings = settings.transpose()?;
    let kubeconfig = options.kubeconfig.as_deref();
    let facts = examine(kubeconfig, settings, options.namespace.as_deref())?;
    let summary = Summary::of(&facts);
    let errors = summary.errors;
    match options.output {
        Output::Human => print_text(&human(&facts, &summary)),
        Output::Json => print_text(&json(&facts, summary)),
    }
    Ok(ExitCode::from(u8::from(errors > 0)))
}

/// A line for each fact, with colours, which `anstream` removes if standard output is no terminal.
fn human(facts: &[Fact], summary: &Summary) -> String {
    let mut text = String::new();
    for fact in facts {
        let (level, style) = (fact.level.as_str(), style(fact.level));
        let line = fact.to_string();
        let line = printable(&line);
        let _ = writeln!(text, "{style}{level:<8}{style:#} {:<15} {line}", fact.topic);
    }
    let Summary {
        errors,
        warnings,
        unknown,
    } = summary;
    let count = facts.len();
    let _ = writeln!(
        text,
        "\n{count} facts: {errors} errors, {warnings} warnings, {unknown} unknown"
    );
    text
}

fn json(facts: &[Fact], summary: Summary) -> String {
    let document = Document { facts, summary };
    let text = serde_json::to_string_pretty(&document);
    text.unwrap_or_default() + "\n"
}

fn style(level: Level) -> Style {
    let colour = match level {
        Level::Ok => AnsiColor::Green,
        Level::Note => AnsiColor::Blue,
        Level::Unknown => AnsiColor::Magenta,
        Level::Warning => AnsiColor::Yellow,
        Level::Error => AnsiColor::Red,
    };
    colour.on_default().bold()
}

impl Summary {
    fn of(facts: &[Fact]) -> Self {
        let count = |level| facts.iter().filter(|fact| fact.level == level).count();
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            unknown: count(Level::Unknown),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard doctor                       the cluster of the current context
  rollout-guard doctor -o json | jq '.facts[] | select(.level == \"error\")'
Exit code: 0 without errors, 1 with errors, 2 if the cluster cannot be asked";
