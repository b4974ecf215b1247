//! A Rollout names an AnalysisTemplate or ClusterAnalysisTemplate that does not exist.
//!
//! ## What
//! A `templateName` of one of these names an object that does not exist:
//! - `canary.analysis`, the `analysis` of a step, `prePromotionAnalysis` and `postPromotionAnalysis`;
//! - `analyses` of an `experiment` step.
//!
//! With `clusterScope: true` it names a ClusterAnalysisTemplate, otherwise an AnalysisTemplate in the Rollout's
//! namespace. The rule needs to know objects of the kind: in a cluster it does, and in `check` if the input has one or
//! with `--complete`. Templates that an AnalysisTemplate itself names are not read.
//!
//! ## Why
//! The controller looks up all templates of analyses before it does anything else. If one is missing, it sets the
//! Rollout to `Degraded: InvalidSpec` (`getReferencedRolloutAnalyses`): the release does not start, and one that is in
//! progress stops where it is. A template of an experiment is looked up when the step begins. If it is missing, the
//! experiment fails and the release is aborted.
//!
//! ## Example
//! ```yaml
//! # there is only a ClusterAnalysisTemplate `success-rate`
//! - analysis: {templates: [{templateName: success-rate}]}
//! ```
//!
//! ## Fix
//! Apply the template in the Rollout's namespace, correct the name, or set `clusterScope` as the template requires.

use std::collections::BTreeSet;

use crate::cluster::{Flow, reference};
use crate::field::Path;
use crate::model::{Key, Kind};
use crate::verdict::{Findings, message};

rule!(
    RG404,
    Warning,
    Rollout(check),
    reads = [AnalysisTemplate, ClusterAnalysisTemplate]
);

fn check(flow: &Flow<'_>, found: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for (path, key) in reference::analysis_templates(flow.rollout) {
        let is_known = flow.view.knows(&[key.kind]);
        if is_known && flow.view.get(&key).is_none() && seen.insert(key.clone()) {
            report(flow, path, &key, found);
        }
    }
}

fn report(flow: &Flow<'_>, path: Path, key: &Key, found: &mut Findings<'_>) {
    let message = message!("{} names {key}", flow.key())
        .in_field(&path)
        .text(", which does not exist");
    let namespace = flow.rollout.meta.namespace();
    let (other, scope) = match key.kind {
        Kind::ClusterAnalysisTemplate => (Kind::AnalysisTemplate, "remove `clusterScope`"),
        _ => (Kind::ClusterAnalysisTemplate, "add `clusterScope: true`"),
    };
    let namespace = if other.is_namespaced() { namespace } else { "" };
    let other = Key::new(other, namespace, &key.name);
    let help = match flow.view.get(&other) {
        Some(_) => format!("{scope}: {other} exists"),
        None => "apply the template, or correct the name".to_owned(),
    };
    found
        .warning(flow.key(), path, message)
        .subject(key.to_string())
        .help(help)
        .missing(key);
}
