//! Runs the rules on the cluster that a write would produce, and tells which findings the write brings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::unlisted::complete;
use crate::cluster::{About, Claim, Fact, Facts, Flow, Overlay, View, dependents};
use crate::model::{Key, Kind, Object, Operation, Write};
use crate::rules::{CATALOGUE, Rule};
use crate::verdict::{Finding, RuleId, Severity};

/// As many objects that the write touches are judged by all rules. Those behind them are judged only by what the
/// write changes: thousands of VirtualServices may send to one host.
const MAX_JUDGED: usize = 100;
/// After as many denials no further object is judged.
const MAX_DENIALS: usize = 50;

/// A finding of one write.
#[derive(Clone)]
pub(super) struct Found {
    pub finding: Finding,
    /// It was not there before the write, or was a warning only.
    pub new: bool,
    /// Its object gives no ground to deny this write; see [`Judge::weight`].
    pub only_warns: bool,
    /// What its rule read.
    pub reads: Arc<[Fact]>,
}

/// What [`compare`] has judged.
pub(super) struct Compared {
    /// The findings after the write, in the order of the rules.
    pub found: Vec<Found>,
    /// The number of objects that the write touches and that were not judged any more.
    pub unjudged: usize,
}

/// Judges what the write touches. `view` notes in `facts` what is read; with `trace` the reads of rules without a
/// finding stay there too.
pub(super) fn compare(
    write: &Write,
    (view, facts): (View<'_>, &Facts),
    denies: &dyn Fn(&Found) -> bool,
    trace: bool,
) -> Compared {
    // The old object of the write is newer than the one that was watched.
    let old = Overlay::new(&write.key, write.old.as_ref(), view.mesh());
    let new = Overlay::new(&write.key, write.new.as_ref(), view.mesh());
    let judge = Judge {
        written: &write.key,
        before: view.with(&old),
        after: view.with_before(&new, &old),
        same_edges: new.refers_as(&old),
        facts,
        denies,
        trace,
    };
    let (mut found, mut unjudged) = (Vec::new(), 0);
    if write.operation != Operation::Delete {
        unjudged = judge.dependents(write, &mut found);
        tell_once(&mut found, &write.key);
    }
    judge.write(write, &mut found);
    found.sort_by_key(|found| found.finding.rule);
    Compared { found, unjudged }
}

/// The cluster before and after a write, and the log of what is read in both.
struct Judge<'a> {
    written: &'a Key,
    before: View<'a>,
    after: View<'a>,
    /// Whether the written object refers to the same objects and hosts before and after.
    same_edges: bool,
    facts: &'a Facts,
    /// Whether the write is denied for a finding.
    denies: &'a dyn Fn(&Found) -> bool,
    trace: bool,
}

impl Judge<'_> {
    /// Judges the objects that the write touches. Returns how many were not judged.
    fn dependents(&self, write: &Write, found: &mut Vec<Found>) -> usize {
        let written = self.written;
        let mut keys = dependents(&self.before, written);
        if !self.same_edges {
            keys.extend(dependents(&self.after, written));
        }
        keys.remove(written);
        let mut keys = [written].into_iter().chain(&keys);
        for key in keys.by_ref().take(MAX_JUDGED) {
            self.by_rules(key, |_| true, found);
        }
        if reads_alike(write) {
            return 0;
        }
        let (mut denials, mut counted) = (0, 0);
        loop {
            let judged = found.iter().skip(counted);
            denials += judged.filter(|found| (self.denies)(found)).count();
            counted = found.len();
            if denials >= MAX_DENIALS {
                return keys.count();
            }
            let Some(key) = keys.next() else {
                return 0;
            };
            let reads =
                |rule: &Rule| key.kind == written.kind || rule.reads.contains(&written.kind);
            self.by_rules(key, reads, found);
        }
    }

    /// Judges an object by the rules that pass.
    fn by_rules(&self, key: &Key, pass: impl Fn(&Rule) -> bool, found: &mut Vec<Found>) {
        let start = self.facts.mark();
        if let Some(object) = self.after.get(key) {
            let weight = self.weight(key);
            let own = self.facts.since(start);
            if weight == Weight::None {
                self.forget(start);
                return;
            }
            let first = found.len();
            let rules = CATALOGUE.iter().filter(|rule| rule.reviews(key.kind));
            for rule in rules.filter(|rule| pass(rule)) {
                self.object(rule, object, &own, found);
            }
            weigh(weight, first, found);
        }
    }

    /// How much findings on `key` count for a write of another object. A Rollout that cannot act on the written
    /// object says nothing about it, and the owner of an object need not know who refers to it from elsewhere.
    fn weight(&self, key: &Key) -> Weight {
        let written = self.written;
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
        let judged = |object, view| rule.judge_bounded(object, view, self.written);
        let (mut findings, rest) = judged(object, &self.after);
        let (mut earlier, mut earlier_rest) = (Vec::new(), Vec::new());
        if !findings.is_empty()
            && let Some(object) = self.before.get(object.key())
        {
            (earlier, earlier_rest) = judged(object, &self.before);
        }
        if !rest.is_empty() || !earlier_rest.is_empty() {
            let rests = (rest, earlier_rest);
            complete(&mut findings, &mut earlier, rests, self.written);
        }
        self.add(findings, &earlier, own, start, found);
    }

    /// Judges the write by the rules on writes, whose findings are always new.
    fn write(&self, write: &Write, found: &mut Vec<Found>) {
        for rule in CATALOGUE.iter().filter(|rule| rule.reviews_writes()) {
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
        let mut reads = self.facts.apart_since(start, own);
        let earlier = worst(earlier);
        found.extend(findings.into_iter().map(|finding| {
            Found {
                only_warns: false,
                new: earlier
                    .get(&finding.identity())
                    .is_none_or(|severity| *severity > finding.severity),
                reads: reads.of(finding.host.as_ref().map(About::host)),
                finding,
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

impl Found {
    /// Whether it can deny a write of this object. One that harms others denies whoever brings it.
    pub fn concerns(&self, written: &Key) -> bool {
        let finding = &self.finding;
        let full = !self.only_warns || finding.harms_others || !finding.denies_only.is_empty();
        full && finding.may_deny(written)
    }
}

/// Whether the rules on other objects read the same of the object before and after the write.
fn reads_alike(write: &Write) -> bool {
    let (Some(old), Some(new)) = (&write.old, &write.new) else {
        return false;
    };
    let meta = |object: &Object| {
        let meta = &object.meta;
        (
            meta.managed_by.clone(),
            meta.release.clone(),
            meta.export_to.clone(),
            meta.claimed_by.clone(),
            meta.deleting,
        )
    };
    let same_body = match (old.destination_rule(), new.destination_rule()) {
        (Some(old), Some(new)) => old.body.is_merged_as(new.body),
        _ => old.body == new.body,
    };
    same_body && meta(old) == meta(new)
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
