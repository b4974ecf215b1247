//! Runs the rules on the cluster that a write would produce, and tells which findings the write brings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::cluster::{Claim, Fact, Facts, Flow, Overlay, View, dependents};
use crate::model::{Key, Kind, Object, Operation, Write};
use crate::rules::{CATALOGUE, Rule};
use crate::verdict::{Finding, RuleId, Severity};

/// A finding of one write.
pub(super) struct Found {
    pub finding: Finding,
    /// It was not there before the write, or was a warning only.
    pub new: bool,
    /// Its object gives no ground to deny this write; see [`Judge::weight`].
    pub only_warns: bool,
    /// What its rule read.
    pub reads: Arc<[Fact]>,
}

/// The findings after the write, in the order of the rules. `view` notes in `facts` what is read; with
/// `trace` the reads of rules without a finding stay there too.
pub(super) fn compare(write: &Write, view: View<'_>, facts: &Facts, trace: bool) -> Vec<Found> {
    // The old object of the write is newer than the one that was watched.
    let old = Overlay::new(&write.key, write.old.as_ref(), view.mesh());
    let new = Overlay::new(&write.key, write.new.as_ref(), view.mesh());
    let judge = Judge {
        before: view.with(&old),
        after: view.with_before(&new, &old),
        facts,
        trace,
    };
    let mut found = Vec::new();
    if write.operation != Operation::Delete {
        judge.dependents(&write.key, &mut found);
        tell_once(&mut found, &write.key);
    }
    judge.write(write, &mut found);
    found.sort_by_key(|found| found.finding.rule);
    found
}

/// The cluster before and after a write, and the log of what is read in both.
struct Judge<'a> {
    before: View<'a>,
    after: View<'a>,
    facts: &'a Facts,
    trace: bool,
}

impl Judge<'_> {
    /// Judges each object that the write touches by each rule.
    fn dependents(&self, written: &Key, found: &mut Vec<Found>) {
        let mut keys = dependents(&self.before, written);
        keys.extend(dependents(&self.after, written));
        for key in &keys {
            let start = self.facts.mark();
            if let Some(object) = self.after.get(key) {
                let weight = self.weight(key, written);
                let own = self.facts.since(start);
                if weight == Weight::None {
                    self.forget(start);
                    continue;
                }
                let first = found.len();
                for rule in CATALOGUE.iter().filter(|rule| !rule.is_standing()) {
                    self.object(rule, object, &own, found);
                }
                weigh(weight, first, found);
            }
        }
    }

    /// How much findings on `key` count for a write of another object. A Rollout that cannot act on the written
    /// object says nothing about it, and the owner of an object need not know who refers to it from elsewhere.
    fn weight(&self, key: &Key, written: &Key) -> Weight {
        if key == written {
            return Weight::Full;
        }
        let is_foreign = key.namespace != written.namespace;
        let elsewhere = if is_foreign {
            Weight::Foreign
        } else {
            Weight::Full
        };
        let rollout = (key.kind == Kind::Rollout).then(|| self.after.rollout(key));
        let flow = rollout
            .flatten()
            .map(|rollout| Flow::of(rollout, self.after));
        match flow.filter(|flow| flow.names(written)) {
            Some(flow) => match flow.claim(written) {
                Claim::Effective => Weight::Full,
                Claim::Pending => Weight::Warning,
                Claim::Ineffective => Weight::None,
            },
            None => elsewhere,
        }
    }

    /// Judges an object after the write by one rule, and before it only if the rule has a finding.
    fn object(&self, rule: &Rule, object: &Object, own: &[Fact], found: &mut Vec<Found>) {
        let start = self.facts.mark();
        let mut findings = Vec::new();
        rule.judge(object, &self.after, &mut findings);
        let mut earlier = Vec::new();
        if !findings.is_empty()
            && let Some(object) = self.before.get(object.key())
        {
            rule.judge(object, &self.before, &mut earlier);
        }
        self.add(findings, &earlier, own, start, found);
    }

    /// Judges the write by the rules on writes, whose findings are always new.
    fn write(&self, write: &Write, found: &mut Vec<Found>) {
        for rule in CATALOGUE {
            let start = self.facts.mark();
            let mut findings = Vec::new();
            rule.judge_write(write, &self.before, &mut findings);
            self.add(findings, &[], &[], start, found);
        }
    }

    fn add(
        &self,
        findings: Vec<Finding>,
        earlier: &[Finding],
        own: &[Fact],
        start: usize,
        found: &mut Vec<Found>,
    ) {
        if findings.is_empty() {
            self.forget(start);
            return;
        }
        let reads: Arc<[Fact]> = [own, &self.facts.since(start)].concat().into();
        let earlier = worst(earlier);
        found.extend(findings.into_iter().map(|finding| {
            Found {
                only_warns: false,
                new: earlier
                    .get(&finding.identity())
                    .is_none_or(|severity| *severity > finding.severity),
                finding,
                reads: Arc::clone(&reads),
            }
        }));
    }

    fn forget(&self, start: usize) {
        if !self.trace {
            self.facts.forget_since(start);
        }
    }
}

/// How much a finding on another object counts for a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Full,
    /// It never denies.
    Warning,
    /// It never denies. It is not told if the write does not bring it, or if it is a mere warning about a Rollout.
    Foreign,
    None,
}

/// Gives the findings from `first` on their weight.
fn weigh(weight: Weight, first: usize, found: &mut Vec<Found>) {
    let mut findings = found.split_off(first);
    findings.retain(|Found { finding, new, .. }| {
        let is_worth = finding.severity == Severity::Error || finding.object.kind != Kind::Rollout;
        weight != Weight::Foreign || (*new && is_worth)
    });
    for found in &mut findings {
        found.only_warns = weight != Weight::Full;
    }
    found.append(&mut findings);
}

/// The worst severity of each identity.
fn worst(findings: &[Finding]) -> HashMap<(RuleId, &Key, &str), Severity> {
    let mut worst = HashMap::new();
    for finding in findings {
        let severity = worst.entry(finding.identity()).or_insert(finding.severity);
        *severity = finding.severity.min(*severity);
    }
    worst
}

/// Of a fault that several objects share, keeps only the finding on the written object.
fn tell_once(found: &mut Vec<Found>, written: &Key) {
    let findings = found.iter().map(|found| &found.finding);
    let own = findings.filter(|finding| finding.mutual && finding.object == *written);
    let own: HashSet<(RuleId, String)> = own
        .map(|finding| (finding.rule, finding.subject.clone()))
        .collect();
    found.retain(|Found { finding, .. }| {
        let told = || own.contains(&(finding.rule, finding.subject.clone()));
        !finding.mutual || finding.object == *written || !told()
    });
}
