//! Every fixture of every rule: the verdict is in the file's name, the findings are in the rule's snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rollout_guard::field::Segment;
use rollout_guard::model::Kind;
use rollout_guard::rules::{CATALOGUE, Check, Level, Rule};
use rollout_guard::verdict::{Finding, Severity};
use serde_json::Value;

use crate::expected::snapshots;
use crate::fixture::{Fixture, Outcome, files};

#[test]
fn every_fixture_gets_the_verdict_in_its_name() {
    let mut faults = Vec::new();
    for (rule, fixture) in all_fixtures() {
        let outcome = fixture.judge(rule);
        if outcome.verdict != fixture.verdict() {
            faults.push(format!("{}: {}", fixture.path.display(), outcome.verdict));
        }
        faults.extend(style_faults(rule, &fixture, &outcome));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// All that a rule says in its fixtures, on one page: what is wrong, where, and what to do.
#[test]
fn every_rule_says_what_its_snapshot_says() {
    let mut pages: BTreeMap<&str, String> = BTreeMap::new();
    for (rule, fixture) in all_fixtures() {
        let findings = fixture.judge(rule).findings;
        let page = pages.entry(rule.id.name).or_default();
        if !findings.is_empty() {
            *page += &format!("{}\n", fixture.name());
            page.extend(findings.iter().map(|(action, f)| paragraph(action, f)));
            *page += "\n";
        }
    }
    snapshots("tests/rules", &pages);
}

#[test]
fn every_rule_reads_what_it_says_it_reads() {
    let mut faults = Vec::new();
    for rule in CATALOGUE {
        let own = match rule.check {
            Check::Rollout(_) | Check::Standing(_) => Some(Kind::Rollout),
            Check::VirtualService(_) => Some(Kind::VirtualService),
            Check::DestinationRule(_) => Some(Kind::DestinationRule),
            Check::Any(_) | Check::Manifest(_) | Check::Write(_) => None,
        };
        let fixtures = fixtures(rule);
        let read = fixtures
            .iter()
            .flat_map(|path| Fixture::read(path).judge(rule).read);
        let read: BTreeSet<Kind> = read.collect();
        for kind in Kind::ALL {
            let listed = rule.reads.contains(&kind);
            if read.contains(&kind) && !listed && own != Some(kind) {
                faults.push(format!("{}: `reads` lacks {kind}", rule.id));
            }
            if listed && !read.contains(&kind) {
                faults.push(format!("{}: no fixture shows that {kind} is read", rule.id));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn all_fixtures() -> impl Iterator<Item = (&'static Rule, Fixture)> {
    let of_rule = |rule| {
        let paths = fixtures(rule).into_iter();
        paths.map(move |path| (rule, Fixture::read(&path)))
    };
    CATALOGUE.iter().flat_map(of_rule)
}

/// A finding as the snapshots show it.
fn paragraph(action: &str, finding: &Finding) -> String {
    let mut text = format!("  {action} {} {}\n", finding.object, finding.path);
    text += &format!("    {}\n    help: {}\n", finding.message, finding.help);
    for (key, path) in &finding.others {
        text += format!("    see {key} {path}").trim_end();
        text += "\n";
    }
    text
}

pub fn fixtures(rule: &Rule) -> Vec<PathBuf> {
    files("tests/rules", rule.id.name)
}

fn style_faults(rule: &Rule, fixture: &Fixture, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    for (_, finding) in &outcome.findings {
        let fault = level_fault(rule, fixture, finding)
            .or_else(|| text_fault(finding))
            .or_else(|| path_fault(fixture, finding));
        faults.extend(fault.map(|fault| format!("{}: {fault}", fixture.path.display())));
    }
    faults
}

fn level_fault(rule: &Rule, fixture: &Fixture, finding: &Finding) -> Option<String> {
    let raised = finding.missing && fixture.settings.mesh.complete;
    let stranger = match rule.level {
        Level::Error => finding.severity == Severity::Warning,
        Level::Warning => finding.severity == Severity::Error && !raised,
        Level::Both => false,
    };
    stranger.then(|| format!("{} is not of the rule's level", finding.severity.as_str()))
}

fn text_fault(finding: &Finding) -> Option<String> {
    let message = finding.message.to_string();
    let first = message.chars().next()?;
    let named = Kind::ALL
        .iter()
        .any(|kind| message.starts_with(kind.as_str()));
    if first.is_uppercase() && !named {
        return Some(format!("starts in upper case: {message}"));
    }
    if message.ends_with('.') || message.contains('\n') {
        return Some(format!("ends with a full stop or has two lines: {message}"));
    }
    finding
        .help
        .is_empty()
        .then(|| format!("has no help: {message}"))
}

/// The path, or its parent for a field that is missing, is in the object; so are the others' places.
fn path_fault(fixture: &Fixture, finding: &Finding) -> Option<String> {
    let own = std::iter::once((&finding.object, &finding.path));
    let others = finding.others.iter().map(|(key, path)| (key, path));
    own.chain(others).find_map(|(key, path)| {
        let value = fixture.value_of(key);
        let Some(value) = value else {
            let absent = finding.missing || finding.severity == Severity::Warning;
            return (!absent).then(|| format!("names {key}, which is not in the fixture"));
        };
        let steps = path.segments();
        let parent = &steps[..steps.len().saturating_sub(1)];
        reach(&value, parent)
            .is_none()
            .then(|| format!("{path} is not in {key}"))
    })
}

fn reach<'a>(value: &'a Value, steps: &[Segment]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Segment::Field(name) => value.get(name),
        Segment::Entry(name) | Segment::Unknown(name) => value.get(name.as_str()),
        Segment::Index(index) => value.get(index),
    })
}
