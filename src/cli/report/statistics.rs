//! How often each rule reports, in place of the findings.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::entry::{NO_RULES, entries};
use super::findings::Report;
use super::json::pretty;
use crate::rules;
use crate::verdict::Severity;

#[derive(Serialize)]
struct Row {
    code: &'static str,
    rule: &'static str,
    errors: usize,
    warnings: usize,
    summary: &'static str,
}

pub fn text(report: &Report<'_>) -> String {
    let mut text = String::new();
    for row in rows(report) {
        let Row {
            code,
            rule,
            errors,
            warnings,
            summary,
        } = row;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{errors:>6} errors {warnings:>6} warnings  {code:<6} {rule:<27} {summary}"
        );
    }
    text
}

pub fn json(report: &Report<'_>) -> String {
    pretty(&rows(report))
}

/// The most frequent first.
fn rows(report: &Report<'_>) -> Vec<Row> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for entry in entries(report) {
        let row = rows.entry(entry.code).or_insert_with(|| Row {
            code: entry.code,
            rule: entry.rule,
            errors: 0,
            warnings: 0,
            summary: summary(entry.code),
        });
        match entry.severity {
            Severity::Error => row.errors += 1,
            Severity::Warning => row.warnings += 1,
        }
    }
    let mut rows: Vec<Row> = rows.into_values().collect();
    rows.sort_by_key(|row| Reverse(row.errors + row.warnings));
    rows
}

fn summary(code: &str) -> &'static str {
    let mut others = NO_RULES.iter();
    rules::find(code)
        .map(rules::Rule::summary)
        .or_else(|| {
            others
                .find(|(known, _)| *known == code)
                .map(|(_, summary)| *summary)
        })
        .unwrap_or_default()
}
