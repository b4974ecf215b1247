//! `explain`: prints the documentation of a rule, or the list of all rules.

use std::process::ExitCode;

use clap::Args;

use super::error::Error;
use super::terminal::print_line;
use crate::rules::{self, CATALOGUE, nearest};

/// Print the documentation of a rule, or the list of all rules
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Code or name of the rule, such as `RG501` or `subset-undefined`
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

pub fn run(options: &Options) -> Result<ExitCode, Error> {
    let Some(word) = &options.rule else {
        for rule in CATALOGUE {
            let (code, name, level) = (rule.id.code, rule.id.name, rule.level.as_str());
            let summary = rule.summary();
            print_line(format_args!("{code} {name:<27} {level:<17} {summary}"));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(rule) = rules::find(word) else {
        let names = CATALOGUE
            .iter()
            .flat_map(|rule| [rule.id.name, rule.id.code]);
        let hint = nearest(word, names).map(|name| format!("; did you mean `{name}`?"));
        let hint = hint.unwrap_or_else(|| "; `rollout-guard explain` lists them".to_owned());
        return Err(Error::UnknownRule {
            word: word.clone(),
            hint,
        });
    };
    let (id, level) = (rule.id, rule.level.as_str());
    let documentation = rule.documentation;
    print_line(format_args!("# {id} ({level})\n\n{documentation}"));
    Ok(ExitCode::SUCCESS)
}
