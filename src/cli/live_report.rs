//! `check --cluster`: judges a live cluster as the audit does.

use super::report::{Report, Reported};
use crate::cluster::Cluster;
use crate::decide::audit;
use crate::model::Key;
use crate::settings::Settings;
use crate::source::Span;

/// The findings on the objects of the whole cluster, or of one namespace.
pub fn live_report(
    cluster: &Cluster,
    settings: &Settings,
    namespace: Option<&str>,
) -> Report<'static> {
    let wanted = |key: &&Key| namespace.is_none_or(|namespace| *key.namespace == *namespace);
    let keys: Vec<&Key> = cluster.keys().filter(wanted).collect();
    let objects = keys.len();
    let findings = audit(cluster, keys, settings).into_iter();
    let findings = findings.map(|finding| Reported {
        finding,
        file: None,
        file_index: 0,
        span: Span::default(),
    });
    Report {
        findings: findings.collect(),
        duplicates: Vec::new(),
        repeated_keys: Vec::new(),
        notes: Vec::new(),
        manifests: None,
        objects,
    }
}
