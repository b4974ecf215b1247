//! The findings on a cluster as it is, without a write: for `check`, and for the audit, which follows a cluster
//! that changes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::namesakes::add_namesakes;
use super::profile::namespace_profile;
use super::siblings::pending;
use super::table::raised;
use crate::cluster::{Claims, Cluster, Flow, View, dependents};
use crate::model::{Enforce, Host, Key, Kind, VirtualService};
use crate::parallel::in_parallel;
use crate::rules;
use crate::settings::{Profile, RuleAction, Settings};
use crate::verdict::{Finding, Severity};

/// The findings on these objects in the order of their keys. Profile, rule actions and `allow` annotations set
/// their severity; the labels of namespaces count only in a live cluster. Manifests that are said to be complete are
/// so for the namespaces that they have objects of.
pub fn audit<'a>(
    cluster: &Cluster,
    keys: impl IntoIterator<Item = &'a Key>,
    settings: &Settings,
) -> Vec<Finding> {
    let mut keys: Vec<&Key> = keys.into_iter().collect();
    keys.sort();
    let namespaces: HashSet<&str> = keys.iter().map(|key| &*key.namespace).collect();
    let mesh = cluster.mesh();
    let is_known = |host: &Host| {
        let service = host.service(&mesh.domain);
        service.is_none_or(|(namespace, _)| mesh.live || namespaces.contains(namespace))
    };
    let found = in_parallel(&keys, Claims::default, |claims, key| {
        let view = &View::of(cluster).remembering(claims);
        let mut found = audit_object(view, key, settings, &is_known);
        for finding in &mut found {
            add_namesakes(finding, view);
        }
        found
    });
    found.into_iter().flatten().collect()
}

/// The findings on a whole cluster, by object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditState {
    findings: BTreeMap<Key, Vec<Finding>>,
    allowing: BTreeMap<Key, Vec<String>>,
}

impl AuditState {
    /// Judges every object.
    pub fn of(cluster: &Cluster, settings: &Settings) -> Self {
        let mut state = Self::default();
        let claims = Claims::default();
        let view = View::of(cluster).remembering(&claims);
        for key in cluster.keys() {
            state.judge(&view, key, settings);
        }
        state
    }

    /// Judges the objects again whose findings a change of these objects can change.
    pub fn follow(
        &mut self,
        before: &Cluster,
        after: &Cluster,
        changed: &BTreeSet<Key>,
        settings: &Settings,
    ) {
        let mut again = BTreeSet::new();
        for cluster in [before, after] {
            let view = View::of(cluster);
            let keys = changed.iter();
            again.extend(keys.flat_map(|key| dependents(&view, key)));
            again.extend(within_changed(before, after, cluster, changed));
        }
        again.extend(rivals(before, after, changed));
        let claims = Claims::default();
        let view = View::of(after).remembering(&claims);
        for key in &again {
            self.judge(&view, key, settings);
        }
    }

    /// The findings in the order of the objects' keys.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.values().flatten()
    }

    /// The objects with findings, in the order of their keys.
    pub fn by_object(&self) -> impl Iterator<Item = (&Key, &[Finding])> {
        let findings = self.findings.iter();
        findings.map(|(key, findings)| (key, findings.as_slice()))
    }

    /// The findings on one object.
    pub fn findings_on(&self, key: &Key) -> &[Finding] {
        self.findings
            .get(key)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The objects that carry the `allow` annotation, with its words.
    pub fn allowing(&self) -> impl Iterator<Item = (&Key, &[String])> {
        let allowing = self.allowing.iter();
        allowing.map(|(key, words)| (key, words.as_slice()))
    }

    /// The findings that a release in progress may still end.
    pub fn pending_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        let findings = self.findings.values_mut().flatten();
        findings.filter(|finding| finding.pending)
    }

    fn judge(&mut self, view: &View<'_>, key: &Key, settings: &Settings) {
        let mut findings = audit_object(view, key, settings, &|_| true);
        for finding in &mut findings {
            mark_pending(finding, view, settings);
        }
        let words = allowing(view, key).map(<[String]>::to_vec);
        put(
            &mut self.findings,
            key,
            Some(findings).filter(|list| !list.is_empty()),
        );
        put(&mut self.allowing, key, words);
    }
}

fn put<T>(map: &mut BTreeMap<Key, T>, key: &Key, value: Option<T>) {
    match value {
        Some(value) => map.insert(key.clone(), value),
        None => map.remove(key),
    };
}

/// `is_known` tells whether a host that is missing would be among the objects.
fn audit_object(
    view: &View<'_>,
    key: &Key,
    settings: &Settings,
    is_known: &impl Fn(&Host) -> bool,
) -> Vec<Finding> {
    if !is_judged(view, &key.namespace) {
        return Vec::new();
    }
    let strict = profile(view, &key.namespace, settings) == Profile::Strict;
    let complete = strict || view.mesh().complete;
    let found = rules::audit(view, key).into_iter();
    found
        .map(|finding| {
            let is_known = finding.missing_host.as_ref().is_none_or(is_known);
            raised(finding, complete && is_known)
        })
        .filter_map(|finding| weigh(finding, view, settings))
        .collect()
}

/// The finding with the severity that the rule's action and the `allow` annotations give it.
fn weigh(mut finding: Finding, view: &View<'_>, settings: &Settings) -> Option<Finding> {
    match settings.action(finding.rule) {
        Some(RuleAction::Off) => return None,
        Some(RuleAction::Deny) => finding.severity = Severity::Error,
        Some(RuleAction::Warn) => finding.severity = Severity::Warning,
        None => {}
    }
    let others = finding.others.iter().map(|(key, _)| key);
    let allowed = others
        .chain([&finding.object])
        .any(|key| is_allowed(&finding, key, view));
    if allowed {
        finding.severity = Severity::Warning;
    }
    Some(finding)
}

/// Makes a warning of an error that an object of the same release may still end.
fn mark_pending(finding: &mut Finding, view: &View<'_>, settings: &Settings) {
    let chosen = settings.action(finding.rule).is_some();
    let strict = profile(view, &finding.object.namespace, settings) == Profile::Strict;
    if chosen || strict || finding.severity != Severity::Error {
        return;
    }
    let rollout = view.rollout(&finding.object);
    let flow = rollout.map(|rollout| Flow::of(rollout, *view));
    finding.pending = flow.is_some_and(|flow| pending(finding, &flow, settings).is_some());
    if finding.pending {
        finding.severity = Severity::Warning;
    }
}

fn is_allowed(finding: &Finding, key: &Key, view: &View<'_>) -> bool {
    let object = view.get(key);
    object.is_some_and(|object| object.meta.allows(finding.rule.code, finding.rule.name))
}

/// The words of the object's `allow` annotation; `None` if it has none, or if its namespace is not judged.
fn allowing<'a>(view: &View<'a>, key: &Key) -> Option<&'a [String]> {
    let object = view.get(key).filter(|_| key.kind.is_guarded())?;
    let words = object.meta.allow.as_slice();
    (!words.is_empty() && is_judged(view, &key.namespace)).then_some(words)
}

/// False in a namespace where the guard is off, and in one that is being deleted.
fn is_judged(view: &View<'_>, namespace: &str) -> bool {
    let namespace = view.namespace(namespace).filter(|_| view.mesh().live);
    namespace.is_none_or(|namespace| namespace.enforce != Some(Enforce::Off) && !namespace.deleting)
}

fn profile(view: &View<'_>, namespace: &str, settings: &Settings) -> Profile {
    if view.mesh().live {
        namespace_profile(view, namespace, settings)
    } else {
        settings.profile
    }
}

/// The objects in namespaces whose label or deletion has changed.
fn within_changed(
    before: &Cluster,
    after: &Cluster,
    cluster: &Cluster,
    changed: &BTreeSet<Key>,
) -> Vec<Key> {
    let namespaces = changed.iter().filter(|key| key.kind == Kind::Namespace);
    let namespaces = namespaces.filter(|key| before.get(key) != after.get(key));
    let names: BTreeSet<&str> = namespaces.map(|key| &*key.name).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let keys = cluster.keys();
    keys.filter(|key| names.contains(&*key.namespace))
        .cloned()
        .collect()
}

/// The VirtualServices that share a host with one whose claims have changed. A review does not judge them:
/// thousands may share a host, and each write would then cost them all.
fn rivals(before: &Cluster, after: &Cluster, changed: &BTreeSet<Key>) -> BTreeSet<Key> {
    let mut rivals = BTreeSet::new();
    let services = changed
        .iter()
        .filter(|key| key.kind == Kind::VirtualService);
    for key in services {
        let (old, new) = (virtual_service(before, key), virtual_service(after, key));
        if old.map(claims) == new.map(claims) {
            continue;
        }
        for (cluster, service) in [(before, old), (after, new)] {
            let view = View::of(cluster);
            let hosts = service.into_iter().flat_map(|service| &service.hosts);
            for host in hosts {
                let host = view.resolve(host, &key.namespace);
                let claiming = view.virtual_services_claiming(&host);
                rivals.extend(claiming.map(|rival| rival.meta.key.clone()));
            }
        }
    }
    rivals
}

/// What decides which hosts a VirtualService claims.
fn claims(service: &VirtualService) -> (&[String], bool, &[String]) {
    (&service.hosts, service.is_mesh(), &service.export_to)
}

fn virtual_service<'a>(cluster: &'a Cluster, key: &Key) -> Option<&'a VirtualService> {
    Some(cluster.get(key)?.virtual_service()?.body)
}
