//! A destination: the subset or Service that it leads to, and what these select.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::Builder;
use super::flow::{Owner, service_mark};
use super::node::{Mark, Node};
use crate::cluster::{Flow, Role, ServiceRole, reference, visible_rules};
use crate::field::Path;
use crate::model::{
    Destination, DestinationRule, HASH_LABEL, Host, Key, Kind, Labels, Service, Subset, Typed,
    VirtualService,
};

impl<'a> Builder<'a> {
    /// A destination, and the subset or Service that it leads to.
    pub(super) fn destination(
        &self,
        service: Typed<'a, VirtualService>,
        destination: &'a Destination,
        path: Path,
        flow: Option<Flow<'a>>,
        shown: &mut BTreeSet<Key>,
    ) -> Node {
        let host = self
            .view
            .resolve(&destination.host, service.meta.namespace());
        let role = flow.and_then(|flow| flow.roles()?.role(destination));
        let short = self.short(&host, service.meta.namespace());
        let title = match destination.subset.as_str() {
            "" => short,
            subset => format!("{short}, subset {subset}"),
        };
        let mut node = Node::of_field(title, &service.meta.key, path);
        node.mark = Owner::mark(role);
        node.fact("role", role.map_or("", Role::as_str));
        if !destination.subset.is_empty() {
            let rules = visible_rules(&self.view, &host, service.meta.namespace());
            let children = rules.into_iter().filter_map(|rule| {
                shown.insert(rule.meta.key.clone());
                self.subset(rule, &destination.subset, role, flow)
            });
            node.children.extend(children);
            if node.children.is_empty() {
                let mut missing = Node {
                    title: format!("subset {}", destination.subset),
                    mark: Mark::Missing,
                    ..Node::default()
                };
                missing.fact("state", format!("no DestinationRule defines it for {host}"));
                node.children.push(missing);
            }
            return node;
        }
        let Some((namespace, name)) = host.service(&self.view.mesh().domain) else {
            return node;
        };
        let key = Key::new(Kind::Service, namespace, name);
        shown.insert(key.clone());
        let role = flow.and_then(|flow| {
            let mut named = reference::services(flow.rollout);
            let role = named.find(|link| link.key == key)?.role;
            Some((flow, role))
        });
        node.children.push(match self.view.service(&key) {
            Some(service) => self.service(service, role.as_ref().map(|(flow, role)| (flow, *role))),
            None => Node::missing(&key),
        });
        node
    }

    /// A Service of this namespace by its name alone, one of another as `name.namespace`.
    fn short(&self, host: &Host, namespace: &str) -> String {
        match host.service(&self.view.mesh().domain) {
            Some((own, name)) if own == namespace => name.to_owned(),
            Some((other, name)) => format!("{name}.{other}"),
            None => host.as_str().to_owned(),
        }
    }

    /// A subset of a DestinationRule; `None` if the rule does not define it.
    fn subset(
        &self,
        rule: Typed<'a, DestinationRule>,
        name: &str,
        role: Option<Role>,
        flow: Option<Flow<'a>>,
    ) -> Option<Node> {
        let (index, subset) = rule.body.subset(name)?;
        let key = &rule.meta.key;
        let mut node = subset_node(rule, index, subset, format!("subset {name} of {key}"));
        node.mark = Owner::mark(role);
        if let Some(flow) = flow {
            self.pods(&mut node, flow.key(), subset.labels.as_ref());
        }
        self.owners(&mut node, key, "subsets");
        Some(node)
    }

    /// A DestinationRule with all its subsets.
    pub(super) fn rule(&self, rule: Typed<'a, DestinationRule>) -> Node {
        let key = &rule.meta.key;
        let mut node = Node::of_object(key);
        node.fact("host", rule.host.clone());
        self.owners(&mut node, key, "subsets");
        let subsets = rule.body.subsets.iter().enumerate();
        node.children = subsets
            .map(|(index, subset)| {
                subset_node(rule, index, subset, format!("subset {}", subset.name))
            })
            .collect();
        node
    }

    /// A Service and what it selects.
    pub(super) fn service(
        &self,
        service: Typed<'a, Service>,
        role: Option<(&Flow<'a>, ServiceRole)>,
    ) -> Node {
        let key = &service.meta.key;
        let mut node = Node::of_object(key);
        node.fact("selects", selector(service.selector.as_ref()));
        if let Some((flow, role)) = role {
            node.mark = service_mark(flow, role);
            self.pods(&mut node, flow.key(), service.selector.as_ref());
        }
        self.owners(&mut node, key, "selector");
        node
    }

    /// The ready pods of the revision that the labels select.
    fn pods(&self, node: &mut Node, rollout: &Key, labels: Option<&Labels>) {
        let hash = labels.and_then(|labels| labels.get(HASH_LABEL));
        let ready = hash.and_then(|hash| self.details.ready(rollout, hash));
        node.fact("pods", ready.unwrap_or_default());
    }
}

/// A subset and what it selects.
fn subset_node(
    rule: Typed<'_, DestinationRule>,
    index: usize,
    subset: &Subset,
    title: String,
) -> Node {
    let path = Path::spec(["subsets"]).index(index);
    let mut node = Node::of_field(title, &rule.meta.key, path);
    node.fact("selects", selector(subset.labels.as_ref()));
    node
}

/// `app=shop, rollouts-pod-template-hash=6c8f`, the hash last.
fn selector(labels: Option<&Labels>) -> String {
    let mut sorted: BTreeMap<bool, Vec<String>> = BTreeMap::new();
    for (name, value) in labels.into_iter().flatten() {
        let pair = format!("{name}={value}");
        sorted.entry(name == HASH_LABEL).or_default().push(pair);
    }
    sorted
        .into_values()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
