//! `--select` and `--ignore`: the rules whose findings are reported.

use clap::Args;

use super::error::Error;
use super::report::{Entry, NO_RULES};
#[cfg(feature = "terminal")]
use crate::rules;
use crate::rules::{CATALOGUE, nearest};

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Rules")]
pub struct Selection {
    /// Report only these rules: codes, names, or the beginning of codes such as `RG5`
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not report these rules; counts over `--select`
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
}

impl Selection {
    /// An error if a word names no rule.
    pub fn check(&self) -> Result<(), Error> {
        let mut words = self.select.iter().chain(&self.ignore);
        match words.find(|word| !names_a_rule(word)) {
            Some(word) => Err(unknown_rule(word)),
            None => Ok(()),
        }
    }

    pub fn includes(&self, entry: &Entry<'_>) -> bool {
        let named = |words: &[String]| words.iter().any(|word| names(word, entry.code, entry.rule));
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }
}

fn names_a_rule(word: &str) -> bool {
    let rules = CATALOGUE.iter().map(|rule| (rule.id.code, rule.id.name));
    let others = NO_RULES.iter().map(|(code, _)| (*code, *code));
    rules
        .chain(others)
        .any(|(code, name)| names(word, code, name))
}

/// Whether the word is the name of the rule, its code or the beginning of its code.
fn names(word: &str, code: &str, name: &str) -> bool {
    let is_code = || {
        let beginning = code.get(..word.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(word))
    };
    // Of names alone the whole counts: `duplicate` is the beginning of several.
    word == name || word.len() >= 2 && code != name && is_code()
}

/// The rule that the word names.
#[cfg(feature = "terminal")]
pub fn find_rule(word: &str) -> Result<&'static rules::Rule, Error> {
    rules::find(word).ok_or_else(|| unknown_rule(word))
}

/// The rules that the word names: one, or all whose codes begin so.
#[cfg(feature = "terminal")]
pub fn find_rules(word: &str) -> Result<Vec<&'static rules::Rule>, Error> {
    if let Some(rule) = rules::find(word) {
        return Ok(vec![rule]);
    }
    let all = CATALOGUE.iter();
    let named = all.filter(|rule| names(word, rule.id.code, rule.id.name));
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Err(unknown_rule(word));
    }
    Ok(named)
}

fn unknown_rule(word: &str) -> Error {
    let rules = CATALOGUE.iter();
    let names = rules.flat_map(|rule| [rule.id.name, rule.id.code]);
    let hint = nearest(word, names).map(|name| format!("; did you mean `{name}`?"));
    let hint = hint.unwrap_or_else(|| "; `rollout-guard explain` lists them".to_owned());
    Error::UnknownRule {
        word: word.to_owned(),
        hint,
    }
}
