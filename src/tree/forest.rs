//! The trees of a view.

use std::collections::BTreeSet;

use super::builder::Builder;
use super::details::Details;
use super::findings::attach;
use super::node::Node;
use super::referrers::referrers;
use crate::cluster::{Cluster, View};
use crate::model::{Body, Key, Kind, Object, VirtualService};
use crate::settings::Settings;

/// Which objects are shown.
#[derive(Clone, Debug)]
pub enum Selection {
    /// The flows and the plain VirtualServices of a namespace; `None`: of all.
    Namespace(Option<String>),
    /// These objects, each with what it leads to and with what refers to it.
    Objects(Vec<Key>),
}

/// The trees of the selected objects, in the order of their keys, with the findings of the audit.
pub fn tree(
    cluster: &Cluster,
    details: &Details,
    selection: &Selection,
    settings: &Settings,
) -> Vec<Node> {
    let view = View::of(cluster);
    let builder = Builder { view, details };
    let mut nodes = match selection {
        Selection::Namespace(namespace) => builder.roots(cluster, namespace.as_deref()),
        Selection::Objects(keys) => keys.iter().map(|key| builder.selected(key)).collect(),
    };
    attach(&mut nodes, cluster, settings);
    nodes
}

impl<'a> Builder<'a> {
    /// Every Rollout, and every VirtualService that no Rollout names and nothing delegates to.
    fn roots(&self, cluster: &Cluster, namespace: Option<&str>) -> Vec<Node> {
        let wanted = |key: &&Key| namespace.is_none_or(|namespace| *key.namespace == *namespace);
        let keys: BTreeSet<&Key> = cluster.keys().filter(wanted).collect();
        let roots = keys.into_iter().filter(|key| self.is_root(key));
        roots.map(|key| self.object(key)).collect()
    }

    fn is_root(&self, key: &Key) -> bool {
        match key.kind {
            Kind::Rollout => true,
            Kind::VirtualService => {
                self.view.rollouts_using(key).is_empty()
                    && self.view.virtual_services_naming(key).is_empty()
            }
            _ => false,
        }
    }

    fn selected(&self, key: &Key) -> Node {
        let mut node = self.object(key);
        node.children.extend(referrers(self, key));
        node
    }

    /// The object and what it leads to.
    pub fn object(&self, key: &Key) -> Node {
        let Some(object) = self.view.get(key) else {
            return Node::missing(key);
        };
        match &object.body {
            Body::Rollout(rollout) => self.rollout(object.typed(rollout)),
            Body::VirtualService(service) => self.plain(object, service),
            Body::DestinationRule(rule) => self.rule(object.typed(rule)),
            Body::Service(service) => self.service(object.typed(service), None),
            _ => Node::of_object(key),
        }
    }

    fn plain(&self, object: &'a Object, service: &'a VirtualService) -> Node {
        self.virtual_service(object.typed(service), None, &mut BTreeSet::new())
    }
}
