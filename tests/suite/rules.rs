//! Every fixture of every rule: the verdict is in the file's name, the findings at its end.

use std::path::PathBuf;

use rollout_guard::field::Segment;
use rollout_guard::model::Kind;
use rollout_guard::rules::{CATALOGUE, Check, Level, Rule};
use rollout_guard::verdict::{Finding, Severity};
use serde_json::Value;

use crate::fixture::{Fixture, Outcome, files};

#[test]
fn every_fixture_gets_its_verdict() {
    let mut faults = Vec::new();
    for rule in CATALOGUE {
        for path in fixtures(rule) {
            let fixture = Fixture::read(&path);
            let outcome = fixture.judge(rule);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, fixture.with_expect(&outcome.said))
                    .expect("the fixture is written");
            } else if outcome.said != fixture.expect {
                let said = outcome.said.join("\n  ");
                faults.push(format!("{} says\n  {said}", path.display()));
            }
            if outcome.verdict != fixture.verdict() {
                let said = outcome.said.join("\n  ");
                let verdict = outcome.verdict;
                faults.push(format!("{}: {verdict}\n  {said}", path.display()));
            }
            faults.extend(style_faults(rule, &fixture, &outcome));
        }
    }
    assert!(
        faults.is_empty(),
        "\n{}\n(UPDATE=1 rewrites what they say)",
        faults.join("\n")
    );
}

#[test]
fn every_rule_reads_what_it_says_it_reads() {
    let mut faults = Vec::new();
    for rule in CATALOGUE {
        let own = match rule.check {
            Check::Rollout(_) | Check::Standing(_) => Some(Kind::Rollout),
            Check::VirtualService(_) => Some(Kind::VirtualService),
            Check::DestinationRule(_) => Some(Kind::DestinationRule),
            Check::Any(_) | Check::Write(_) => None,
        };
        let paths = fixtures(rule);
        let seen = paths
            .iter()
            .map(|path| Fixture::read(path).judge(rule).seen);
        let seen: Vec<_> = seen.collect();
        for kind in Kind::ALL {
            let looked = seen.iter().any(|kinds| kinds.contains(&kind));
            let says = rule.reads.contains(&kind);
            if looked && !says && own != Some(kind) {
                faults.push(format!("{}: reads {kind}, does not say so", rule.id));
            }
            if says && !looked {
                faults.push(format!("{}: says that it reads {kind}, does not", rule.id));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

pub fn fixtures(rule: &Rule) -> Vec<PathBuf> {
    files("tests/rules", rule.id.name)
}

fn style_faults(rule: &Rule, fixture: &Fixture, outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    for finding in &outcome.findings {
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
    let message = finding.message.as_str();
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
        Segment::Entry(name) => value.get(name.as_str()),
        Segment::Index(index) => value.get(index),
    })
}
