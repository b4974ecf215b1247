//! `explain`: prints the documentation of rules, or the list of all rules.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::error::Error;
use super::markdown::styled;
use super::pager::page;
use super::selection::find_rules;
use super::terminal::{columns, print_text};
use crate::rules::{CATALOGUE, Rule};
use crate::text::wrap;

/// A summary with less room stands below its rule.
const MIN_SUMMARY: usize = 40;
/// Longer lines of prose are hard to read.
const MAX_COLUMNS: usize = 100;

/// Print the documentation of rules, or the list of all rules
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Codes or names of rules, such as `RG501`, `subset-undefined` or `RG5` [default: the list of all]
    #[arg(value_name = "RULE")]
    rules: Vec<String>,
    /// The documentation of all rules
    #[arg(long, conflicts_with = "rules")]
    all: bool,
    /// Form of the output [default: text on a terminal, otherwise markdown]
    #[arg(short, long, value_enum)]
    output: Option<Output>,
    /// Print to the terminal itself, not in the program of $PAGER
    #[arg(long)]
    no_pager: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// With styles in place of Markdown's marks
    Text,
    Markdown,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  rollout-guard explain                     the list of all rules
  rollout-guard explain RG501               one rule
  rollout-guard explain RG5                 the list of the rules of Istio's own objects
  rollout-guard explain --all -o markdown   the page docs/rules.md";

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let words = options.rules.iter();
    let found: Vec<Vec<&Rule>> = words
        .map(|word| find_rules(word))
        .collect::<Result<_, _>>()?;
    let is_group = found.iter().any(|rules| rules.len() > 1);
    let rules = found.concat();
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let output = options.output.unwrap_or(if is_terminal {
        Output::Text
    } else {
        Output::Markdown
    });
    let is_list = !options.all && (rules.is_empty() || is_group);
    let rules = if rules.is_empty() {
        CATALOGUE.iter().collect()
    } else {
        rules
    };
    if output == Output::Json {
        let rules: Vec<Value> = rules.into_iter().map(of_rule).collect();
        print_text(&format!("{:#}\n", Value::from(rules)));
        return Ok(ExitCode::SUCCESS);
    }
    let text = if is_list {
        list(&rules)
    } else if options.all {
        pages(&rules)
    } else {
        rules.into_iter().map(of_one).collect::<Vec<_>>().join("\n")
    };
    match output {
        Output::Text if !is_list => page(&styled(&text, width()), !options.no_pager),
        _ => page(&text, !options.no_pager),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(rules: &[&Rule]) -> String {
    let lines = rules.iter().map(|rule| {
        let (code, name, level) = (rule.id.code, rule.id.name, rule.level.as_str());
        let start = format!("{code} {name:<27} {level:<17} ");
        let Some(columns) = columns() else {
            return format!("{start}{}\n", rule.summary());
        };
        let room = columns.saturating_sub(start.len());
        let (start, room, indent) = if room >= MIN_SUMMARY {
            (start.clone(), room, start.len())
        } else {
            let indent = code.len() + 1;
            let first = format!("{}\n{:indent$}", start.trim_end(), "");
            (first, columns - indent, indent)
        };
        let summary = wrap(rule.summary(), room).join(&format!("\n{:indent$}", ""));
        format!("{start}{summary}\n")
    });
    lines.collect()
}

/// Columns of the documentation.
fn width() -> usize {
    columns().map_or(MAX_COLUMNS, |columns| columns.min(MAX_COLUMNS))
}

/// The page of one rule, in Markdown.
pub(super) fn of_one(rule: &Rule) -> String {
    let (id, level) = (rule.id, rule.level.as_str());
    format!("# {id} ({level})\n\n{}\n", rule.documentation)
}

fn of_rule(rule: &Rule) -> Value {
    json!({
        "code": rule.id.code,
        "name": rule.id.name,
        "level": rule.level.as_str(),
        "summary": rule.summary(),
        "documentation": rule.documentation,
    })
}

/// The page docs/rules.md: a table, and the documentation of each rule.
fn pages(rules: &[&Rule]) -> String {
    let rows = rules.iter().map(|rule| {
        let (code, name, level) = (rule.id.code, rule.id.name, rule.level.as_str());
        let anchor = format!("{}-{name}", code.to_lowercase());
        let summary = rule.summary();
        format!("| [{code}](#{anchor}) | {name} | {level} | {summary} |\n")
    });
    let sections = rules.iter().map(|rule| {
        let (id, level) = (rule.id, rule.level.as_str());
        let documentation = rule.documentation.replace("\n## ", "\n### ");
        format!("\n## {id}\n\n*{level}*. {}\n", documentation.trim_end())
    });
    HEAD.to_owned() + &rows.chain(sections).collect::<String>()
}

const HEAD: &str = "\
# Rules

Generated from `src/rules/` by `rollout-guard explain --all -o markdown`. `rollout-guard explain RULE` prints one.

| code | name | level | problem |
|---|---|---|---|
";
